// A stage of the compiler is a pipeline with a name; what one stage writes the next one reads.
// RUN: slipstick-opt %s --stage-rewritten | slipstick-opt --stage-scheduled | slipstick-opt --stage-loops | slipstick-opt --stage-llvm | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(stage-rewritten)' | filecheck %s --check-prefix=REWRITTEN

// CHECK: slipstick.stage = "llvm"
// CHECK: llvm.func internal @main
// REWRITTEN: slipstick.stage = "rewritten"
// REWRITTEN: linalg.matmul
func.func @main(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>) -> tensor<4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x4xf32>) -> tensor<4x4xf32>
  %c = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x4xf32>) outs(%init : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %c : tensor<4x4xf32>
}
