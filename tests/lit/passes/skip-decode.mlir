// One function for each exit depth, of one layer that all share: the first layer runs always, then the top ones.
// RUN: slipstick-opt %s --pass-pipeline="builtin.module(skip-decode{min-operations=3})" | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline="builtin.module(cut-layers{min-operations=3},outline-layers{min-operations=3},skip-decode)" | filecheck %s

// CHECK: module attributes {slipstick.paths = [{depth = 1 : i64, function = @main_depth_1}, {depth = 2 : i64, function = @main_depth_2}, {depth = 3 : i64, function = @main}]}

// A cache that no layer writes is handed on as it is.
// CHECK-LABEL: func.func @main_depth_1
// CHECK-SAME:    (%[[X:arg[0-9]+]]: tensor<1x4xf32>, %[[V:arg[0-9]+]]: tensor<4x4xf32>, {{.*}} %[[K:arg[0-9]+]]: tensor<8x4xf32> {slipstick.overwritten = 1 : i64}, %[[L:arg[0-9]+]]: tensor<8x4xf32> {slipstick.overwritten = 2 : i64}, %[[M:arg[0-9]+]]: tensor<8x4xf32> {slipstick.overwritten = 3 : i64}, %[[T:arg[0-9]+]]: index)
// CHECK:         %[[R0:.*]]:2 = call @slipstick_layer_0(%[[X]], %[[K]], %[[T]], %[[V]])
// CHECK-NOT:     call @
// CHECK:         %[[END:.*]] = math.exp %[[R0]]#1
// CHECK:         return %[[END]], %[[R0]]#0, %[[L]], %[[M]]

// CHECK-LABEL: func.func @main_depth_2
// CHECK-SAME:    (%[[X:arg[0-9]+]]: tensor<1x4xf32>, %[[V:arg[0-9]+]]: tensor<4x4xf32>, %{{.*}}: tensor<4x4xf32>, %[[U:arg[0-9]+]]: tensor<4x4xf32>, %[[K:arg[0-9]+]]: tensor<8x4xf32> {{{.*}}}, %[[L:arg[0-9]+]]: tensor<8x4xf32> {{{.*}}}, %[[M:arg[0-9]+]]: tensor<8x4xf32> {{{.*}}}, %[[T:arg[0-9]+]]: index)
// CHECK:         %[[R0:.*]]:2 = call @slipstick_layer_0(%[[X]], %[[K]], %[[T]], %[[V]])
// CHECK:         %[[R2:.*]]:2 = call @slipstick_layer_0(%[[R0]]#1, %[[M]], %[[T]], %[[U]])
// CHECK:         %[[END:.*]] = math.exp %[[R2]]#1
// CHECK:         return %[[END]], %[[R0]]#0, %[[L]], %[[R2]]#0

// CHECK-LABEL: func.func @main(
// CHECK-COUNT-3: call @slipstick_layer_0
// CHECK-NOT:     call @
// CHECK-LABEL: func.func private @slipstick_layer_0
// CHECK-NOT:   slipstick_cut
func.func @main(%x: tensor<1x4xf32>, %v: tensor<4x4xf32>, %w: tensor<4x4xf32>, %u: tensor<4x4xf32>, %k: tensor<8x4xf32> {slipstick.overwritten = 1 : i64}, %l: tensor<8x4xf32> {slipstick.overwritten = 2 : i64}, %m: tensor<8x4xf32> {slipstick.overwritten = 3 : i64}, %t: index) -> (tensor<1x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4xf32>
  %c = linalg.fill ins(%zero : f32) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  %k0 = tensor.insert_slice %x into %k[%t, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %p0 = linalg.matmul ins(%x, %v : tensor<1x4xf32>, tensor<4x4xf32>) outs(%c : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r0 = arith.addf %p0, %x : tensor<1x4xf32>
  %k1 = tensor.insert_slice %r0 into %l[%t, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %p1 = linalg.matmul ins(%r0, %w : tensor<1x4xf32>, tensor<4x4xf32>) outs(%c : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r1 = arith.addf %p1, %r0 : tensor<1x4xf32>
  %k2 = tensor.insert_slice %r1 into %m[%t, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %p2 = linalg.matmul ins(%r1, %u : tensor<1x4xf32>, tensor<4x4xf32>) outs(%c : tensor<1x4xf32>) -> tensor<1x4xf32>
  %r2 = arith.addf %p2, %r1 : tensor<1x4xf32>
  %end = math.exp %r2 : tensor<1x4xf32>
  return %end, %k0, %k1, %k2 : tensor<1x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>
}
