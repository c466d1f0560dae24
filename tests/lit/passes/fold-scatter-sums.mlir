// What rows scattered into zeros are added to is scattered into.
// RUN: slipstick-opt %s --fold-scatter-sums --split-input-file | filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @tied
// CHECK-SAME:    %[[ROWS:.*]]: tensor<4x1x8xf32>, %[[AT:.*]]: tensor<4x1xi64>, %[[A:.*]]: tensor<16x4xf32>
// CHECK:         %[[PRODUCT:.*]] = linalg.matmul
// CHECK-NEXT:    %[[ONE:.*]] = tm_tensor.scatter {{.*}} ins(%[[ROWS]], %[[AT]] : {{.*}} outs(%[[PRODUCT]] : tensor<16x8xf32>)
// CHECK:         %[[TWO:.*]] = tm_tensor.scatter {{.*}} ins(%[[ROWS]], %[[AT]] : {{.*}} outs(%[[ONE]] : tensor<16x8xf32>)
// CHECK:         return %[[TWO]]
func.func @tied(%rows: tensor<4x1x8xf32>, %at: tensor<4x1xi64>, %a: tensor<16x4xf32>, %b: tensor<4x8xf32>) -> tensor<16x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<16x8xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<16x8xf32>
  %filled = linalg.fill ins(%zero : f32) outs(%e : tensor<16x8xf32>) -> tensor<16x8xf32>
  %one = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%zeros : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %old, %new : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  %two = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%filled : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %new, %old : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  %product = linalg.matmul ins(%a, %b : tensor<16x4xf32>, tensor<4x8xf32>) outs(%filled : tensor<16x8xf32>) -> tensor<16x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%product, %one : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%two, %0 : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %y, %x : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  return %1 : tensor<16x8xf32>
}

// -----

// Left alone: a scatter into ones, one that replaces, one that is read twice, a difference.
#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @others
// CHECK-COUNT-4: linalg.generic
func.func @others(%rows: tensor<4x1x8xf32>, %at: tensor<4x1xi64>, %x: tensor<16x8xf32>)
    -> (tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<16x8xf32>
  %ones = arith.constant dense<1.0> : tensor<16x8xf32>
  %e = tensor.empty() : tensor<16x8xf32>
  %into_ones = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%ones : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %old, %new : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  %replaces = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%zeros : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<16x8xf32>
  %twice = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%zeros : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %old, %new : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  %once = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%zeros : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %old, %new : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %into_ones : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %replaces : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %twice : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %once : tensor<16x8xf32>, tensor<16x8xf32>) outs(%e : tensor<16x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.subf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<16x8xf32>
  return %0, %1, %2, %3, %twice : tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>
}
