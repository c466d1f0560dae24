// A contraction reads its operands through maps, so that no transposed copy is written.
// RUN: slipstick-opt %s --fold-transposes --canonicalize | filecheck %s

// CHECK-DAG: #[[KM:.*]] = affine_map<(d0, d1, d2) -> (d2, d0)>
// CHECK-DAG: #[[NK:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[MK:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[MN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[BNK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[BMK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>

// CHECK-LABEL: func.func @right
// CHECK-SAME:    %[[A:.*]]: tensor<3x4xf32>, %[[W:.*]]: tensor<5x4xf32>
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.matmul indexing_maps = [#[[MK]], #[[NK]], #[[MN]]] ins(%[[A]], %[[W]] : tensor<3x4xf32>, tensor<5x4xf32>)
func.func @right(%a: tensor<3x4xf32>, %w: tensor<5x4xf32>, %c: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %e = tensor.empty() : tensor<4x5xf32>
  %t = linalg.transpose ins(%w : tensor<5x4xf32>) outs(%e : tensor<4x5xf32>) permutation = [1, 0]
  %0 = linalg.matmul ins(%a, %t : tensor<3x4xf32>, tensor<4x5xf32>) outs(%c : tensor<3x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// Attributes stay.
// CHECK-LABEL: func.func @both
// CHECK-SAME:    %[[A:.*]]: tensor<4x3xf32>, %[[W:.*]]: tensor<5x4xf32>
// CHECK:         linalg.matmul indexing_maps = [#[[KM]], #[[NK]], #[[MN]]] {slipstick.lmul = {}} ins(%[[A]], %[[W]] : tensor<4x3xf32>, tensor<5x4xf32>)
func.func @both(%a: tensor<4x3xf32>, %w: tensor<5x4xf32>, %c: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %e = tensor.empty() : tensor<4x5xf32>
  %f = tensor.empty() : tensor<3x4xf32>
  %s = linalg.transpose ins(%a : tensor<4x3xf32>) outs(%f : tensor<3x4xf32>) permutation = [1, 0]
  %t = linalg.transpose ins(%w : tensor<5x4xf32>) outs(%e : tensor<4x5xf32>) permutation = [1, 0]
  %0 = linalg.matmul {slipstick.lmul = {}} ins(%s, %t : tensor<3x4xf32>, tensor<4x5xf32>)
    outs(%c : tensor<3x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// A transpose of what is already read transposed gives the plain product.
// CHECK-LABEL: func.func @twice
// CHECK-SAME:    %[[A:.*]]: tensor<3x4xf32>, %[[W:.*]]: tensor<4x5xf32>
// CHECK:         linalg.matmul ins(%[[A]], %[[W]] : tensor<3x4xf32>, tensor<4x5xf32>)
func.func @twice(%a: tensor<3x4xf32>, %w: tensor<4x5xf32>, %c: tensor<3x5xf32>) -> tensor<3x5xf32> {
  %e = tensor.empty() : tensor<5x4xf32>
  %t = linalg.transpose ins(%w : tensor<4x5xf32>) outs(%e : tensor<5x4xf32>) permutation = [1, 0]
  %0 = linalg.matmul indexing_maps = [
      affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%a, %t : tensor<3x4xf32>, tensor<5x4xf32>) outs(%c : tensor<3x5xf32>) -> tensor<3x5xf32>
  return %0 : tensor<3x5xf32>
}

// CHECK-LABEL: func.func @batch
// CHECK-SAME:    %[[A:.*]]: tensor<2x3x4xf32>, %[[W:.*]]: tensor<2x5x4xf32>
// CHECK:         linalg.batch_matmul indexing_maps = [#[[BMK]], #[[BNK]], {{.*}}] ins(%[[A]], %[[W]] :
func.func @batch(%a: tensor<2x3x4xf32>, %w: tensor<2x5x4xf32>, %c: tensor<2x3x5xf32>) -> tensor<2x3x5xf32> {
  %e = tensor.empty() : tensor<2x4x5xf32>
  %t = linalg.transpose ins(%w : tensor<2x5x4xf32>) outs(%e : tensor<2x4x5xf32>) permutation = [0, 2, 1]
  %0 = linalg.batch_matmul ins(%a, %t : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}

// Left alone: a transpose that moves the batch, the init, and operations that are no contraction of matrices.
// CHECK-LABEL: func.func @others
// CHECK:         %[[T:.*]] = linalg.transpose
// CHECK:         %[[P:.*]] = linalg.batch_matmul ins(%{{.*}}, %[[T]] :
// CHECK:         %[[U:.*]] = linalg.transpose
// CHECK:         linalg.batch_matmul {{.*}} outs(%[[U]] :
// CHECK:         %[[V:.*]] = linalg.transpose
// CHECK:         linalg.add ins(%[[V]], %[[V]] :
func.func @others(%a: tensor<2x3x4xf32>, %w: tensor<4x2x5xf32>, %c: tensor<2x5x3xf32>, %d: tensor<2x3x5xf32>)
    -> tensor<2x5x3xf32> {
  %e = tensor.empty() : tensor<2x4x5xf32>
  %t = linalg.transpose ins(%w : tensor<4x2x5xf32>) outs(%e : tensor<2x4x5xf32>) permutation = [1, 0, 2]
  %0 = linalg.batch_matmul ins(%a, %t : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%d : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %u = linalg.transpose ins(%c : tensor<2x5x3xf32>) outs(%d : tensor<2x3x5xf32>) permutation = [0, 2, 1]
  %1 = linalg.batch_matmul ins(%a, %t : tensor<2x3x4xf32>, tensor<2x4x5xf32>)
    outs(%u : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %2 = linalg.add ins(%0, %1 : tensor<2x3x5xf32>, tensor<2x3x5xf32>) outs(%d : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %v = linalg.transpose ins(%2 : tensor<2x3x5xf32>) outs(%c : tensor<2x5x3xf32>) permutation = [0, 2, 1]
  %3 = linalg.add ins(%v, %v : tensor<2x5x3xf32>, tensor<2x5x3xf32>) outs(%c : tensor<2x5x3xf32>) -> tensor<2x5x3xf32>
  return %3 : tensor<2x5x3xf32>
}
