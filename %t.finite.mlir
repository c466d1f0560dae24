#map = affine_map<(d0, d1) -> (d0, d1)>
module attributes {slipstick.entry = @main, slipstick.signature = (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>, slipstick.stage = "rewritten"} {
  func.func @main(%arg0: tensor<8x8xf32> {bufferization.writable = false}, %arg1: tensor<8x8xf32> {bufferization.writable = false}) -> tensor<8x8xf32> attributes {llvm.emit_c_interface} {
    %0 = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", scope = "linear", specials = "finite"}} ins(%arg0, %arg0 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%arg1 : tensor<8x8xf32>) -> tensor<8x8xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<8x8xf32>) outs(%arg1 : tensor<8x8xf32>) attrs =  {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", scope = "elementwise", specials = "finite"}} {
    ^bb0(%in: f32, %out: f32):
      %2 = arith.mulf %in, %in {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", scope = "elementwise", specials = "finite"}} : f32
      linalg.yield %2 : f32
    } -> tensor<8x8xf32>
    return %1 : tensor<8x8xf32>
  }
}

