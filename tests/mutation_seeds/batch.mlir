module attributes {slipstick.stage = "linalg"} {
  func.func @main(%a: tensor<2x?x8xf32>, %b: tensor<2x8x?xf32>, %c: tensor<2x?x?xf32>) -> tensor<2x?x?xf32> {
    %0 = linalg.batch_matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
        ins(%a, %b : tensor<2x?x8xf32>, tensor<2x8x?xf32>) outs(%c : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
    %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<2x?x?xf32> into tensor<?x?xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %c, %c0 : tensor<2x?x?xf32>
    %2 = arith.mulf %0, %c : tensor<2x?x?xf32>
    return %2 : tensor<2x?x?xf32>
  }
}
