// RUN: slipstick-opt %s --mlir-use-nameloc-as-prefix | filecheck %s
// RUN: %mlir-opt %s --mlir-use-nameloc-as-prefix | filecheck %s

// CHECK: %product = arith.mulf
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32 loc("product")
  return %0 : f32
}
