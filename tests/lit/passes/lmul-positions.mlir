// Products that only indices, sizes and constants go into are exact: an index follows from them. Those of constants
// alone may be weights, and what an input goes into is no position.
// RUN: slipstick-opt %s --lmul-mark | filecheck %s

#row = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @interpolated
// CHECK:       arith.mulf %{{[a-z0-9_]+}}, %{{[a-z0-9_]+}} : f32
// CHECK:       arith.mulf {{.*}} {slipstick.lmul =
func.func @interpolated(%x: tensor<8xf32>, %e: tensor<16xf32>) -> tensor<16xf32> {
  %half = arith.constant 0.5 : f32
  %i64s = tensor.empty() : tensor<16xi64>
  %floats = tensor.empty() : tensor<16xf32>
  %numbers = linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%i64s : tensor<16xi64>) {
  ^bb0(%out: i64):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i64
    linalg.yield %n : i64
  } -> tensor<16xi64>
  %at = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
    ins(%numbers : tensor<16xi64>) outs(%floats : tensor<16xf32>) {
  ^bb0(%n: i64, %out: f32):
    %f = arith.sitofp %n : i64 to f32
    %middle = arith.addf %f, %half : f32
    %place = arith.mulf %middle, %half : f32
    linalg.yield %place : f32
  } -> tensor<16xf32>
  %read = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
    ins(%at : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%place: f32, %out: f32):
    %n = arith.fptosi %place : f32 to i64
    %i = arith.index_cast %n : i64 to index
    %value = tensor.extract %x[%i] : tensor<8xf32>
    %scaled = arith.mulf %value, %place : f32
    linalg.yield %scaled : f32
  } -> tensor<16xf32>
  return %read : tensor<16xf32>
}

// CHECK-LABEL: func.func @weights
// CHECK:       arith.mulf {{.*}} {slipstick.lmul =
func.func @weights() -> f32 {
  %a = arith.constant 1.5 : f32
  %b = arith.constant 2.5 : f32
  %0 = arith.mulf %a, %b : f32
  return %0 : f32
}
