// What repeats becomes a function that is called for each repeat.
// RUN: slipstick-opt %s --pass-pipeline="builtin.module(outline-layers{min-operations=2})" --split-input-file | filecheck %s

// Both have weights of their own; the last result of the first is what the second reads. Each reader of a filled tensor
// gets one of its own, and the layer's number is left open.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: tensor<4x4xf32>, %[[V:.*]]: tensor<4x4xf32>, %[[W:.*]]: tensor<4x4xf32>)
// CHECK-NEXT:    %[[H:.*]] = call @slipstick_layer_0(%[[X]], %[[V]])
// CHECK-NEXT:    %[[R:.*]] = call @slipstick_layer_0(%[[H]], %[[W]])
// CHECK-NEXT:    return %[[R]]
// CHECK-LABEL: func.func private @slipstick_layer_0
// CHECK-SAME:    (%[[X:.*]]: tensor<4x4xf32>, %[[W:.*]]: tensor<4x4xf32>) -> tensor<4x4xf32>
// CHECK:         %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[E:.*]] = tensor.empty()
// CHECK:         %[[C:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[E]]
// CHECK:         %[[P:.*]] = linalg.matmul {slipstick.layer = "layers.*.fc"} ins(%[[X]], %[[W]] : {{.*}}) outs(%[[C]]
// CHECK:         %[[R:.*]] = arith.addf %[[P]], %[[X]]
// CHECK:         return %[[R]]
func.func @main(%x: tensor<4x4xf32>, %v: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x4xf32>
  %c = linalg.fill ins(%zero : f32) outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
  %0 = linalg.matmul {slipstick.layer = "layers.0.fc"} ins(%x, %v : tensor<4x4xf32>, tensor<4x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = arith.addf %0, %x : tensor<4x4xf32>
  %2 = linalg.matmul {slipstick.layer = "layers.1.fc"} ins(%1, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = arith.addf %2, %1 : tensor<4x4xf32>
  return %3 : tensor<4x4xf32>
}

// -----

// Equal operations with another data flow are no repeat.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: math.exp
// CHECK-NOT:   call @
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.exp %x : tensor<4xf32>
  %1 = arith.mulf %0, %0 : tensor<4xf32>
  %2 = math.exp %1 : tensor<4xf32>
  %3 = arith.mulf %2, %1 : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// Nor are those that a mark or a constant tells apart.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-3: math.exp
// CHECK-NOT:   call @
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %two = arith.constant dense<2.0> : tensor<4xf32>
  %0 = math.exp %x : tensor<4xf32>
  %1 = arith.mulf %0, %one : tensor<4xf32>
  %2 = math.exp %1 : tensor<4xf32>
  %3 = arith.mulf %2, %two : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %one {slipstick.lmul = {mantissa_bits = 4 : i64}} : tensor<4xf32>
  return %5 : tensor<4xf32>
}

// -----

// What all repeats share and CSE left in the first moves ahead of it.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>, %[[M:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[MASK:.*]] = math.absf %[[M]]
// CHECK-NEXT:    %[[A:.*]] = call @slipstick_layer_0(%[[X]], %[[MASK]])
// CHECK-NEXT:    %[[B:.*]] = call @slipstick_layer_0(%[[A]], %[[MASK]])
// CHECK-NEXT:    %[[C:.*]] = call @slipstick_layer_0(%[[B]], %[[MASK]])
// CHECK-NEXT:    return %[[C]]
func.func @main(%x: tensor<4xf32>, %m: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.exp %x : tensor<4xf32>
  %mask = math.absf %m : tensor<4xf32>
  %1 = arith.mulf %0, %mask : tensor<4xf32>
  %2 = math.exp %1 : tensor<4xf32>
  %3 = arith.mulf %2, %mask : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %mask : tensor<4xf32>
  return %5 : tensor<4xf32>
}

// -----

// An operation between repeats stays where it is.
// CHECK-LABEL: func.func @main
// CHECK:         %[[A:.*]] = call @slipstick_layer_0(%{{.*}})
// CHECK-NEXT:    %[[B:.*]] = math.sin %[[A]]
// CHECK-NEXT:    call @slipstick_layer_0(%[[B]])
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.exp %x : tensor<4xf32>
  %1 = arith.mulf %0, %x : tensor<4xf32>
  %2 = math.sin %1 : tensor<4xf32>
  %3 = math.exp %2 : tensor<4xf32>
  %4 = arith.mulf %3, %2 : tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Where there is a choice a function begins in front of a product: what follows the one before is fused with it.
// CHECK-LABEL: func.func @main
// CHECK:         %[[E:.*]] = math.exp
// CHECK-NEXT:    %[[A:.*]] = call @slipstick_layer_0(%{{.*}}, %[[E]], %{{.*}})
// CHECK-NEXT:    %[[B:.*]] = call @slipstick_layer_0(%{{.*}}, %[[A]], %{{.*}})
// CHECK-NEXT:    return %[[B]]
// CHECK-LABEL: func.func private @slipstick_layer_0
// CHECK-NEXT:    tensor.empty
// CHECK-NEXT:    linalg.transpose
// CHECK-NEXT:    %[[P:.*]] = linalg.matmul
// CHECK-NEXT:    %[[Q:.*]] = math.exp %[[P]]
// CHECK-NEXT:    return %[[Q]]
func.func @main(%x: tensor<4x4xf32>, %v: tensor<4x4xf32>, %w: tensor<4x4xf32>, %c: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %0 = math.exp %x : tensor<4x4xf32>
  %v0 = tensor.empty() : tensor<4x4xf32>
  %v1 = linalg.transpose ins(%v : tensor<4x4xf32>) outs(%v0 : tensor<4x4xf32>) permutation = [1, 0]
  %1 = linalg.matmul ins(%0, %v1 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = math.exp %1 : tensor<4x4xf32>
  %w1 = linalg.transpose ins(%w : tensor<4x4xf32>) outs(%v0 : tensor<4x4xf32>) permutation = [1, 0]
  %3 = linalg.matmul ins(%2, %w1 : tensor<4x4xf32>, tensor<4x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = math.exp %3 : tensor<4x4xf32>
  return %4 : tensor<4x4xf32>
}
