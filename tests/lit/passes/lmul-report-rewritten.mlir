// What the pass lmul has rewritten is integer arithmetic like any other: the report says that it cannot tell it.
// RUN: slipstick-opt %s --lmul=specials=finite --lmul-report -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --lmul-report -o /dev/null 2>&1 | filecheck %s --check-prefix=BEFORE

// CHECK:  elementwise 'arith.addf' of f32 over 4: 4 adds;
// CHECK:  all: 1 operation with 0 multiplies in the code; executed in a call: 4 adds;
// CHECK:  note: bitcasts from integers to floats, as rewritten L-Mul makes them: 1; its integer additions can no longer be told from others and are not counted; report before the pass lmul
// BEFORE: 'math.fma' of f32 over 4: 4 fused multiply-adds;
// BEFORE-NOT: can no longer be told
func.func @main(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.fma %x, %x, %x : vector<4xf32>
  return %0 : vector<4xf32>
}
