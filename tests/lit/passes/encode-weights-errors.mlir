// What stays f32 says why; a module without an entry function is refused.
// RUN: slipstick-opt %s --encode-weights --split-input-file --verify-diagnostics

func.func @main(%table: tensor<8x8xf32> {slipstick.parameter}, %x: tensor<4x8xf32>, %i: index) -> (tensor<4x8xf32>, f32) {
  // expected-remark @below {{parameter 0 stays f32: 'tensor.extract' reads it in another way than as weights}}
  %e = tensor.extract %table[%i, %i] : tensor<8x8xf32>
  %c = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.matmul ins(%x, %table : tensor<4x8xf32>, tensor<8x8xf32>) outs(%c : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %e : tensor<4x8xf32>, f32
}

// -----

// expected-error @below {{expected a function named 'main' or exactly one public func.func with a body}}
module {
  func.func @one() { return }
  func.func @other() { return }
}
