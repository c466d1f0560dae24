// A B that is packed in the call is fetched a part ahead of its packing where its rows or columns have no gaps; columns
// of A without gaps are packed as vectors.
// RUN: slipstick-opt %s --lower-contractions --canonicalize --split-input-file | filecheck %s

// Each of the two lines that a row tile fetches in a turn has a step of its own.
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %{{.*}}, %[[B:.*]]: memref<?x?xf32, strided<[?, ?], offset: ?>>, %{{.*}}: memref<?x?xf32
// CHECK:         %[[FLAT:.*]] = memref.reinterpret_cast %[[B]] to offset: [0], sizes: [%{{.*}}], strides: [1]
// CHECK:         scf.for
// CHECK:           memref.prefetch %[[FLAT]][%{{.*}}], read, locality<2>, data
// CHECK-COUNT-8:   vector.fma
// CHECK:           memref.prefetch %[[FLAT]][%{{.*}}], read, locality<2>, data
// CHECK-COUNT-8:   vector.fma
// CHECK:           scf.yield
// CHECK-NOT:     locality<2>
func.func @rows(%a: memref<8x64xf32>, %b: memref<64x32xf32>, %c: memref<8x32xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 16], k_block = 32, m_block = 8, vector = 4, k_unroll = 2, prefetch = 2}}
    ins(%a, %b : memref<8x64xf32>, memref<64x32xf32>) outs(%c : memref<8x32xf32>)
  return
}

// -----

// Columns without gaps: four turns share a line of each.
#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-DAG:     %[[FOUR:.*]] = arith.constant 4 : index
// CHECK:         %[[TURN:.*]] = arith.divui %{{.*}}, %[[FOUR]]
// CHECK:         arith.remui %[[TURN]], %[[FOUR]]
// CHECK:         memref.prefetch
func.func @columns(%a: memref<8x64xf32>, %b: memref<32x64xf32>, %c: memref<8x32xf32>) {
  linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.decision = {kind = "packed", register_tile = [2, 16], k_block = 32, m_block = 8, vector = 4, k_unroll = 4, prefetch = 1}}
    ins(%a, %b : memref<8x64xf32>, memref<32x64xf32>) outs(%c : memref<8x32xf32>)
  return
}

// -----

// None into the second level: a B with gaps both ways, and one whose decision says so.
#a = affine_map<(m, n, k) -> (m, k)>

// CHECK-LABEL: func.func @neither
// CHECK-NOT:     locality<2>
func.func @neither(%a: memref<8x64xf32>, %b: memref<64x32xf32, strided<[64, 2]>>, %d: memref<64x32xf32>, %c: memref<8x32xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 16], k_block = 32, m_block = 8, vector = 4, k_unroll = 2, prefetch = 1}}
    ins(%a, %b : memref<8x64xf32>, memref<64x32xf32, strided<[64, 2]>>) outs(%c : memref<8x32xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 16], k_block = 32, m_block = 8, vector = 4, k_unroll = 2, prefetch = 0}}
    ins(%a, %d : memref<8x64xf32>, memref<64x32xf32>) outs(%c : memref<8x32xf32>)
  return
}

// -----

// A tile's column is one vector where all of its rows are inside; else it is packed element by element.
#at = affine_map<(m, n, k) -> (k, m)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func private @slipstick_contraction_0(
// CHECK:         %[[BLOCK:.*]] = memref.alloc() {alignment = 64 : i64} : memref<2x64x4xf32>
// CHECK:         %[[INSIDE:.*]] = arith.cmpi sle
// CHECK:         %[[VECTORS:.*]] = arith.andi %{{.*}}, %[[INSIDE]]
// CHECK:         scf.if %[[VECTORS]]
// CHECK:           scf.for %[[K:.*]] =
// CHECK:             %[[COLUMN:.*]] = vector.load %{{.*}} : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<4xf32>
// CHECK:             vector.store %[[COLUMN]], %[[BLOCK]][%{{.*}}, %[[K]], %{{.*}}]
// CHECK:         else
// CHECK-COUNT-4:   scf.for
func.func @left(%a: memref<64x8xf32>, %b: memref<64x32xf32>, %c: memref<8x32xf32>) {
  linalg.matmul indexing_maps = [#at, #b, #c] {slipstick.decision = {kind = "packed", register_tile = [4, 16], k_block = 64, m_block = 8, vector = 4}}
    ins(%a, %b : memref<64x8xf32>, memref<64x32xf32>) outs(%c : memref<8x32xf32>)
  return
}
