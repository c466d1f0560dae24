// A maximum with its index, of which the index is not read, is a maximum alone.
// RUN: slipstick-opt %s --drop-unread-results --canonicalize | filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @maximum
// CHECK-SAME:    %[[X:.*]]: tensor<4x8xf32>, %[[M:.*]]: tensor<4xf32>, %{{.*}}: tensor<4xi64>
// CHECK:         %[[R:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<4x8xf32>) outs(%[[M]] : tensor<4xf32>) attrs = {slipstick.layer = "a"} {
// CHECK-NEXT:    ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT:      %[[V:.*]] = arith.maximumf %[[A]], %[[B]] : f32
// CHECK-NEXT:      linalg.yield %[[V]] : f32
// CHECK:         return %[[R]]
func.func @maximum(%x: tensor<4x8xf32>, %m: tensor<4xf32>, %n: tensor<4xi64>) -> tensor<4xf32> {
  %0:2 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"], slipstick.layer = "a"}
    ins(%x : tensor<4x8xf32>) outs(%m, %n : tensor<4xf32>, tensor<4xi64>) {
  ^bb0(%a: f32, %max: f32, %at: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %v = arith.maximumf %a, %max : f32
    %c = arith.cmpf ogt, %a, %max : f32
    %k = arith.select %c, %j, %at : i64
    linalg.yield %v, %k : f32, i64
  } -> (tensor<4xf32>, tensor<4xi64>)
  return %0#0 : tensor<4xf32>
}

// The index is computed from the maximum so far: both stay.
// CHECK-LABEL: func.func @index
// CHECK:         linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xi64>)
func.func @index(%x: tensor<4x8xf32>, %m: tensor<4xf32>, %n: tensor<4xi64>) -> tensor<4xi64> {
  %0:2 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%m, %n : tensor<4xf32>, tensor<4xi64>) {
  ^bb0(%a: f32, %max: f32, %at: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %v = arith.maximumf %a, %max : f32
    %c = arith.cmpf ogt, %a, %max : f32
    %k = arith.select %c, %j, %at : i64
    linalg.yield %v, %k : f32, i64
  } -> (tensor<4xf32>, tensor<4xi64>)
  return %0#1 : tensor<4xi64>
}
