// RUN: slipstick-opt %s --verify-roundtrip | filecheck %s
// RUN: %mlir-opt %s --verify-roundtrip | filecheck %s

#map = affine_map<(d0) -> (d0)>
// CHECK: linalg.generic
func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%a : tensor<4xf32>) {
  ^bb0(%x: f32):
    %1 = arith.mulf %x, %x : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %0 : tensor<4xf32> loc("y.py":3:4)
}
