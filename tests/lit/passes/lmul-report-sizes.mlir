// Sizes that types leave open are told from those of the entry's arguments; without them nothing is guessed.
// RUN: slipstick-opt %s --lmul-report -o /dev/null 2>&1 | filecheck %s --check-prefix=OPEN
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(lmul-report{sizes=0:5x8})' -o /dev/null 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --lmul-report=sizes=0:5x9 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: not slipstick-opt %s --lmul-report=sizes=0:5by8 2>&1 | filecheck %s --check-prefix=MALFORMED

// OPEN: linear 'linalg.matmul' of f32 over ?x16x8: 1 multiply, 1 add at each point; how often cannot be told
// OPEN: elementwise 'arith.mulf' of f32 over ?: 1 multiply at each point; how often cannot be told
// OPEN: all: 2 operations with 2 multiplies in the code; executed in a call: nothing, 2 operations left out that cannot be told;
// OPEN: note: operations whose executions cannot be told: 2; the sums leave them out
// CHECK: linear 'linalg.matmul' of f32 over 5x16x8: 640 multiplies, 640 adds;
// CHECK: elementwise 'arith.mulf' of f32 over 80: 80 multiplies;
// CHECK-NOT: cannot be told
// ERROR: error: sizes: argument 0: expected sizes of tensor<?x8xf32>, found 5x9
// MALFORMED: sizes: expected an argument's number and its sizes, as in 0:8x64, found '0:5by8'
func.func @main(%a: tensor<?x8xf32>, %w: tensor<8x16xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x16xf32>
  %c = linalg.matmul ins(%a, %w : tensor<?x8xf32>, tensor<8x16xf32>) outs(%e : tensor<?x16xf32>) -> tensor<?x16xf32>
  %f = tensor.collapse_shape %c [[0, 1]] : tensor<?x16xf32> into tensor<?xf32>
  %g = arith.mulf %f, %f : tensor<?xf32>
  return %c : tensor<?x16xf32>
}
