// A skinny product is a loop over k that carries vectors of partial sums, and a masked end; nothing is packed. With a
// prefetch the loop runs in two legs: prefetching in the same columns, then in those of the next tile.
// RUN: slipstick-opt %s --lower-contractions | filecheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @rows
// CHECK-NOT:     memref.alloc
// CHECK:         call @slipstick_contraction_0
func.func @rows(%x: memref<1x64xf32>, %w: memref<32x64xf32>, %c: memref<1x32xf32>) {
  linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.decision = {kind = "skinny", register_tile = [1, 2], vector = 4}}
    ins(%x, %w : memref<1x64xf32>, memref<32x64xf32>) outs(%c : memref<1x32xf32>)
  return
}

// B stored the other way round is copied.
// CHECK-LABEL: func.func @copied
// CHECK:         %[[COPY:.*]] = memref.alloc() : memref<32x64xf32>
// CHECK:         call @slipstick_contraction_1
// CHECK:         memref.dealloc %[[COPY]]
func.func @copied(%x: memref<1x64xf32>, %w: memref<64x32xf32>, %c: memref<1x32xf32>) {
  linalg.matmul {slipstick.decision = {kind = "skinny", register_tile = [1, 2], vector = 4}}
    ins(%x, %w : memref<1x64xf32>, memref<64x32xf32>) outs(%c : memref<1x32xf32>)
  return
}

// CHECK-LABEL: func.func @prefetching
// CHECK:         call @slipstick_contraction_2
func.func @prefetching(%x: memref<1x64xf32>, %w: memref<32x64xf32>, %c: memref<1x32xf32>) {
  linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.decision = {kind = "skinny", register_tile = [1, 2], vector = 4, prefetch = 100}}
    ins(%x, %w : memref<1x64xf32>, memref<32x64xf32>) outs(%c : memref<1x32xf32>)
  return
}

// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK-SAME:    memref<?x?xf32, strided<[?, 1], offset: ?>>, %{{.*}}: memref<?x?xf32, strided<[?, 1], offset: ?>>, %{{.*}}: memref<?x?xf32, strided<[?, ?], offset: ?>>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.prefetch
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (vector<4xf32>, vector<4xf32>)
// CHECK-COUNT-12:  vector.load {{.*}} vector<4xf32>
// CHECK:           vector.fma
// CHECK:         scf.if
// CHECK:           vector.create_mask
// CHECK:           vector.maskedload
// CHECK:         vector.reduction <add>, {{.*}} fastmath<reassoc>

// 100 bytes are rounded up to two lines of 16 elements.
// CHECK-LABEL: func.func private @slipstick_contraction_2
// CHECK:         scf.for
// CHECK:           %[[AHEAD:.*]] = arith.minsi %c32{{.*}}, %{{.*}} : index
// CHECK:           scf.for {{.*}} iter_args({{.*}}) -> (vector<4xf32>, vector<4xf32>)
// CHECK:             %[[FETCHED:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : index
// CHECK:             scf.for {{.*}} step %c16
// CHECK:               memref.prefetch %{{.*}}[%{{.*}}, %[[PLACE:.*]]], read, locality<3>, data
// CHECK:               memref.prefetch %{{.*}}[%{{.*}}, %[[PLACE]]], read, locality<3>, data
