// MLIR's own named pipelines run like passes.
// RUN: slipstick-opt %s --tosa-to-linalg-pipeline | filecheck %s

// CHECK: linalg.generic
func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %0 = tosa.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
