// Layers are found by their structure: a call that stands for the hidden state keeps them apart.
// RUN: slipstick-opt %s --pass-pipeline="builtin.module(cut-layers{min-operations=3})" --split-input-file | filecheck %s

// Each layer writes the slice of its own cache; that is what is left of the cache's result without the layer.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: tensor<1x4xf32>, %[[V:.*]]: tensor<4x4xf32>, %[[W:.*]]: tensor<4x4xf32>, %[[K:.*]]: tensor<8x4xf32>, %[[L:.*]]: tensor<8x4xf32>, %[[T:.*]]: index)
// CHECK:         %[[START:.*]] = math.absf %[[X]]
// CHECK:         %[[H0:.*]] = call @slipstick_cut(%[[START]]) {slipstick.caches = [array<i64: 1, 3>], slipstick.cut = 0 : i64}
// CHECK:         %[[I0:.*]] = tensor.insert_slice %[[H0]] into %[[K]]
// CHECK:         %[[P0:.*]] = linalg.matmul ins(%[[H0]], %[[V]]
// CHECK:         %[[R0:.*]] = arith.addf %[[P0]], %[[H0]]
// CHECK:         %[[H1:.*]] = call @slipstick_cut(%[[R0]]) {slipstick.caches = [array<i64: 2, 4>], slipstick.cut = 1 : i64}
// CHECK:         %[[I1:.*]] = tensor.insert_slice %[[H1]] into %[[L]]
// CHECK:         linalg.matmul ins(%[[H1]], %[[W]]
// CHECK:         %[[R1:.*]] = arith.addf
// CHECK:         %[[H2:.*]] = call @slipstick_cut(%[[R1]]) {slipstick.cut = 2 : i64}
// CHECK:         %[[END:.*]] = math.exp %[[H2]]
// CHECK:         return %[[END]], %[[I0]], %[[I1]]
// CHECK:         func.func private @slipstick_cut(tensor<1x4xf32>) -> tensor<1x4xf32>
func.func @main(%x: tensor<1x4xf32>, %v: tensor<4x4xf32>, %w: tensor<4x4xf32>, %k: tensor<8x4xf32>, %l: tensor<8x4xf32>, %t: index) -> (tensor<1x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %c = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %start = math.absf %x : tensor<1x4xf32>
  %k0 = tensor.insert_slice %start into %k[%t, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %p0 = linalg.matmul ins(%start, %v : tensor<1x4xf32>, tensor<4x4xf32>) outs(%c : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r0 = arith.addf %p0, %start : tensor<1x4xf32>
  %k1 = tensor.insert_slice %r0 into %l[%t, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %p1 = linalg.matmul ins(%r0, %w : tensor<1x4xf32>, tensor<4x4xf32>) outs(%c : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r1 = arith.addf %p1, %r0 : tensor<1x4xf32>
  %end = math.exp %r1 : tensor<1x4xf32>
  return %end, %k0, %k1 : tensor<1x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>
}

// -----

// What layers share is computed in front of them, wherever the first of them had it.
// CHECK-LABEL: func.func @main
// CHECK:         math.exp
// CHECK:         call @slipstick_cut
// CHECK-NOT:     math.exp
// CHECK-COUNT-3: call @slipstick_cut
func.func @main(%x: tensor<4xf32>, %m: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.absf %x : tensor<4xf32>
  %shared = math.exp %m : tensor<4xf32>
  %1 = arith.addf %0, %shared : tensor<4xf32>
  %2 = arith.mulf %1, %x : tensor<4xf32>
  %3 = math.absf %2 : tensor<4xf32>
  %4 = arith.addf %3, %shared : tensor<4xf32>
  %5 = arith.mulf %4, %2 : tensor<4xf32>
  %6 = math.absf %5 : tensor<4xf32>
  %7 = arith.addf %6, %shared : tensor<4xf32>
  %8 = arith.mulf %7, %5 : tensor<4xf32>
  return %8 : tensor<4xf32>
}
