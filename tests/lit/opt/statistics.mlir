// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(lmul))' --mlir-pass-statistics -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(lmul))' --mlir-pass-statistics --mlir-pass-statistics-display=list -o /dev/null 2>&1 | filecheck %s --check-prefix=LIST

// CHECK: ... Pass statistics report ...
// CHECK: 'func.func' Pipeline
// CHECK-NEXT: RewriteMultiplies
// CHECK-NEXT: (S) 3 multiplies rewritten
// LIST: RewriteMultiplies
// LIST-NEXT: (S) 3 multiplies rewritten
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  %1 = arith.mulf %x, %0 : f32
  return %1 : f32
}
func.func @g(%x: f64) -> f64 {
  %0 = arith.mulf %x, %x : f64
  return %0 : f64
}
