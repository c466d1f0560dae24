// Scatters of slices are loops over updates, which begin with a filled tensor where torch-mlir has a constant.
// RUN: slipstick-opt %s --scatters-to-loops --split-input-file | filecheck %s

// CHECK-LABEL: func.func @rows
// CHECK-SAME:    %[[ROWS:.*]]: tensor<4x1x8xf32>, %[[AT:.*]]: tensor<4x1xi64>
// CHECK-NOT:     dense<
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[START:.*]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK:         %[[LOOP:.*]] = scf.for %[[I:.*]] = %{{.*}} iter_args(%[[X:.*]] = %[[START]]) -> (tensor<16x8xf32>)
// CHECK:           %[[WORD:.*]] = tensor.extract %[[AT]][%[[I]], %{{.*}}]
// CHECK:           %[[PLACE:.*]] = arith.index_cast %[[WORD]]
// CHECK:           %[[INSIDE:.*]] = arith.cmpi ult, %[[PLACE]]
// CHECK:           cf.assert %[[INSIDE]], "scatter: an index is out of range"
// CHECK:           %[[OLD:.*]] = tensor.extract_slice %[[X]][%[[PLACE]], 0] [1, 8] [1, 1]
// CHECK:           %[[NEW:.*]] = tensor.extract_slice %[[ROWS]][%[[I]], 0, 0] [1, 1, 8] [1, 1, 1] : tensor<4x1x8xf32> to tensor<1x8xf32>
// CHECK:           %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[NEW]] : {{.*}} outs(%[[OLD]]
// CHECK:             arith.addf
// CHECK:           %[[NEXT:.*]] = tensor.insert_slice %[[SUM]] into %[[X]][%[[PLACE]], 0] [1, 8] [1, 1]
// CHECK:           scf.yield %[[NEXT]]
// CHECK:         return %[[LOOP]]
func.func @rows(%rows: tensor<4x1x8xf32>, %at: tensor<4x1xi64>) -> tensor<16x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<16x8xf32>
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<4x1x8xf32>, tensor<4x1xi64>) outs(%zeros : tensor<16x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    %s = arith.addf %old, %new : f32
    tm_tensor.yield %s : f32
  } -> tensor<16x8xf32>
  return %0 : tensor<16x8xf32>
}

// -----

// Two of three dimensions are named, in any order; what is written into is the argument.
// CHECK-LABEL: func.func @lines
// CHECK-SAME:    %[[X:[^:]*]]: tensor<3x4x5xf32>)
// CHECK:         scf.for {{.*}} iter_args(%[[C:.*]] = %[[X]])
// CHECK:           %[[FIRST:.*]] = tensor.extract %{{.*}}[%{{.*}}, %c0{{.*}}]
// CHECK:           %[[COLUMN:.*]] = arith.index_cast %[[FIRST]]
// CHECK:           %[[SECOND:.*]] = tensor.extract %{{.*}}[%{{.*}}, %c1{{.*}}]
// CHECK:           %[[PLANE:.*]] = arith.index_cast %[[SECOND]]
// CHECK:           tensor.extract_slice %[[C]][%[[PLANE]], 0, %[[COLUMN]]] [1, 4, 1] [1, 1, 1]
func.func @lines(%u: tensor<2x1x4x1xf32>, %at: tensor<2x2xi32>, %x: tensor<3x4x5xf32>) -> tensor<3x4x5xf32> {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 2, 0>} unique_indices(false) ins(%u, %at : tensor<2x1x4x1xf32>, tensor<2x2xi32>) outs(%x : tensor<3x4x5xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<3x4x5xf32>
  return %0 : tensor<3x4x5xf32>
}

// -----

// Any number of updates.
// CHECK-LABEL: func.func @many
// CHECK-SAME:    %[[ROWS:.*]]: tensor<?x1x8xf32>, %{{.*}}: tensor<?x1xi64>, %[[X:.*]]: tensor<9x8xf32>)
// CHECK:         %[[COUNT:.*]] = tensor.dim %[[ROWS]], %c0
// CHECK:         scf.for %{{.*}} = %c0{{.*}} to %[[COUNT]] step %c1{{.*}} iter_args(%{{.*}} = %[[X]])
// CHECK:           tensor.extract_slice %[[ROWS]]{{.*}} : tensor<?x1x8xf32> to tensor<1x8xf32>
func.func @many(%rows: tensor<?x1x8xf32>, %at: tensor<?x1xi64>, %x: tensor<9x8xf32>) -> tensor<9x8xf32> {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%rows, %at : tensor<?x1x8xf32>, tensor<?x1xi64>) outs(%x : tensor<9x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<9x8xf32>
  return %0 : tensor<9x8xf32>
}

// -----

// Single elements, parts of slices, and slices of unknown sizes are torch-mlir's.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: tm_tensor.scatter
func.func @others(%e: tensor<4xf32>, %at: tensor<4x1xi32>, %x: tensor<9xf32>, %p: tensor<4x1x3xf32>, %y: tensor<9x8xf32>, %d: tensor<4x1x?xf32>, %z: tensor<9x?xf32>) -> (tensor<9xf32>, tensor<9x8xf32>, tensor<9x?xf32>) {
  %0 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%e, %at : tensor<4xf32>, tensor<4x1xi32>) outs(%x : tensor<9xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<9xf32>
  %1 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%p, %at : tensor<4x1x3xf32>, tensor<4x1xi32>) outs(%y : tensor<9x8xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<9x8xf32>
  %2 = tm_tensor.scatter {dimension_map = array<i64: 0>} unique_indices(false) ins(%d, %at : tensor<4x1x?xf32>, tensor<4x1xi32>) outs(%z : tensor<9x?xf32>) {
  ^bb0(%new: f32, %old: f32):
    tm_tensor.yield %new : f32
  } -> tensor<9x?xf32>
  return %0, %1, %2 : tensor<9xf32>, tensor<9x8xf32>, tensor<9x?xf32>
}
