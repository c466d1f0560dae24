// Rows of B are added to rows of C, some at a time; their followers are prefetched; B and C have contiguous rows.
// RUN: slipstick-opt %s --lower-contractions | filecheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>
#ct = affine_map<(m, n, k) -> (n, m)>

// CHECK-LABEL: func.func @rows
// CHECK-NOT:     memref.alloc
// CHECK:         call @slipstick_contraction_0
func.func @rows(%x: memref<2x64xf32>, %w: memref<64x32xf32>, %c: memref<2x32xf32>) {
  linalg.matmul {slipstick.decision = {kind = "rows", register_tile = [2, 16], vector = 4, k_unroll = 2}}
    ins(%x, %w : memref<2x64xf32>, memref<64x32xf32>) outs(%c : memref<2x32xf32>)
  return
}

// A transposed A is read as it is; B and C are copied, and C is copied back.
// CHECK-LABEL: func.func @copied
// CHECK:         %[[B:.*]] = memref.alloc() : memref<64x32xf32>
// CHECK:         %[[C:.*]] = memref.alloc() : memref<2x32xf32>
// CHECK:         call @slipstick_contraction_1
// CHECK:         linalg.copy {{.*}}ins(%[[C]]
// CHECK:         memref.dealloc %[[B]]
// CHECK:         memref.dealloc %[[C]]
func.func @copied(%x: memref<2x64xf32>, %w: memref<32x64xf32>, %c: memref<32x2xf32>) {
  linalg.matmul indexing_maps = [#a, #bt, #ct] {slipstick.decision = {kind = "rows", register_tile = [2, 16], vector = 4, k_unroll = 2}}
    ins(%x, %w : memref<2x64xf32>, memref<32x64xf32>) outs(%c : memref<32x2xf32>)
  return
}

// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK-SAME:    memref<?x?xf32, strided<[?, ?], offset: ?>>, %{{.*}}: memref<?x?xf32, strided<[?, 1], offset: ?>>, %{{.*}}: memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK-COUNT-4:     vector.broadcast %{{.*}} : f32 to vector<4xf32>
// CHECK:             scf.for
// CHECK-COUNT-2:       memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK-COUNT-3:       vector.load
// CHECK-COUNT-2:       vector.fma
// CHECK:               vector.load
// CHECK-COUNT-2:       vector.fma
// CHECK-COUNT-2:       vector.store
// CHECK:             scf.if
// CHECK:               vector.create_mask
// CHECK:               vector.maskedstore
