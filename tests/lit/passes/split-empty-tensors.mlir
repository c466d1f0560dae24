// Each result that is written into an empty or a filled tensor gets a destination of its own.
// RUN: slipstick-opt %s --split-empty-tensors | filecheck %s

// CHECK-LABEL: func.func @both
// CHECK-COUNT-2: tensor.empty
// CHECK-LABEL: func.func @fills
// CHECK:         %[[A:.*]] = linalg.fill
// CHECK:         linalg.matmul {{.*}} outs(%[[A]]
// CHECK:         %[[B:.*]] = linalg.fill
// CHECK:         linalg.matmul {{.*}} outs(%[[B]]
func.func @both(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %empty = tensor.empty() : tensor<4xf32>
  %a = linalg.exp ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  %b = linalg.log ins(%x : tensor<4xf32>) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
func.func @fills(%x: tensor<4x4xf32>, %v: f32) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %empty = tensor.empty() : tensor<4x4xf32>
  %zero = linalg.fill ins(%v : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %a = linalg.matmul ins(%x, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  %b = linalg.matmul ins(%a, %x : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %a, %b : tensor<4x4xf32>, tensor<4x4xf32>
}

// What is only read, or filled over something, stays one.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-1: linalg.fill
// CHECK-NOT:     linalg.fill
func.func @others(%x: tensor<4xf32>, %v: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %filled = linalg.fill ins(%v : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  %a = linalg.exp ins(%x : tensor<4xf32>) outs(%filled : tensor<4xf32>) -> tensor<4xf32>
  %b = linalg.log ins(%filled : tensor<4xf32>) outs(%filled : tensor<4xf32>) -> tensor<4xf32>
  return %a, %b : tensor<4xf32>, tensor<4xf32>
}
