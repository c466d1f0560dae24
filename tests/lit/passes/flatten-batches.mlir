// A batch whose entries share the right operand is one matrix product: batch and rows are one dimension.
// RUN: slipstick-opt %s --flatten-batches --canonicalize | filecheck %s

#read = affine_map<(d0, d1, d2) -> (d1, d2)>
#turned = affine_map<(d0, d1, d2) -> (d2, d1)>
#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// The mark of L-Mul goes with the product.
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4xf32>, %[[W:.*]]: tensor<4x5xf32>, %[[C:.*]]: tensor<2x3x5xf32>
// CHECK-NOT:     linalg.broadcast
// CHECK-DAG:     %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
// CHECK-DAG:     %[[INIT:.*]] = tensor.collapse_shape %[[C]] {{\[\[}}0, 1], [2]] : tensor<2x3x5xf32> into tensor<6x5xf32>
// CHECK:         %[[P:.*]] = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64}} ins(%[[ROWS]], %[[W]] : {{.*}}) outs(%[[INIT]] : {{.*}})
// CHECK:         %[[R:.*]] = tensor.expand_shape %[[P]] {{\[\[}}0, 1], [2]] output_shape [2, 3, 5]
// CHECK:         return %[[R]]
func.func @broadcast(%x: tensor<2x3x4xf32>, %w: tensor<4x5xf32>, %c: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %e = tensor.empty() : tensor<2x4x5xf32>
  %b = linalg.broadcast ins(%w : tensor<4x5xf32>) outs(%e : tensor<2x4x5xf32>) dimensions = [0]
  %0 = linalg.batch_matmul {slipstick.lmul = {mantissa_bits = 4 : i64}}
    ins(%x, %b : tensor<2x3x4xf32>, tensor<2x4x5xf32>) outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// A generic that only repeats is a broadcast too; sizes may be dynamic.
// CHECK-LABEL: func.func @generic
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x4xf32>, %[[W:.*]]: tensor<4x5xf32>, %[[C:.*]]: tensor<?x?x5xf32>
// CHECK:         linalg.matmul ins(%{{.*}}, %[[W]] : tensor<?x4xf32>, tensor<4x5xf32>) outs(%{{.*}} : tensor<?x5xf32>)
// CHECK:         tensor.expand_shape {{.*}} : tensor<?x5xf32> into tensor<?x?x5xf32>
func.func @generic(%x: tensor<?x?x4xf32>, %w: tensor<4x5xf32>, %c: tensor<?x?x5xf32>, %e: tensor<?x4x5xf32>)
    -> tensor<?x?x5xf32> {
  %b = linalg.generic {indexing_maps = [#read, #all], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%w : tensor<4x5xf32>) outs(%e : tensor<?x4x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x4x5xf32>
  %0 = linalg.batch_matmul ins(%x, %b : tensor<?x?x4xf32>, tensor<?x4x5xf32>)
    outs(%c : tensor<?x?x5xf32>) -> tensor<?x?x5xf32>
  return %0 : tensor<?x?x5xf32>
}

// Left alone: a right operand of its own for each entry.
// CHECK-LABEL: func.func @different
// CHECK:         linalg.batch_matmul
func.func @different(%x: tensor<2x3x4xf32>, %w: tensor<2x4x5xf32>, %c: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %0 = linalg.batch_matmul ins(%x, %w : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// Left alone: a vector that is repeated along another dimension, and a matrix that is transposed on the way.
// CHECK-LABEL: func.func @other_broadcasts
// CHECK-COUNT-2: linalg.batch_matmul
func.func @other_broadcasts(%x: tensor<2x3x4xf32>, %w: tensor<2x5xf32>, %v: tensor<5x4xf32>, %c: tensor<2x3x5xf32>)
    -> tensor<2x3x5xf32> {
  %e = tensor.empty() : tensor<2x4x5xf32>
  %b = linalg.broadcast ins(%w : tensor<2x5xf32>) outs(%e : tensor<2x4x5xf32>) dimensions = [1]
  %0 = linalg.batch_matmul ins(%x, %b : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %t = linalg.generic {indexing_maps = [#turned, #all], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%v : tensor<5x4xf32>) outs(%e : tensor<2x4x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x4x5xf32>
  %1 = linalg.batch_matmul ins(%x, %t : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%0 : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %1 : tensor<2x3x5xf32>
}

// Left alone: a right operand that is read transposed.
// CHECK-LABEL: func.func @transposed
// CHECK:         linalg.batch_matmul indexing_maps
func.func @transposed(%x: tensor<2x3x4xf32>, %w: tensor<5x4xf32>, %c: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %e = tensor.empty() : tensor<2x5x4xf32>
  %b = linalg.broadcast ins(%w : tensor<5x4xf32>) outs(%e : tensor<2x5x4xf32>) dimensions = [0]
  %0 = linalg.batch_matmul indexing_maps = [
      affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
    ins(%x, %b : tensor<2x3x4xf32>, tensor<2x5x4xf32>) outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}
