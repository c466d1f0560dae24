#map = affine_map<(d0, d1, d2) -> (d0, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d1, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
#map4 = affine_map<(d0, d1) -> (d1)>
module attributes {slipstick.entry = @main, slipstick.signature = (tensor<?x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<?x16xf32>, slipstick.stage = "scheduled"} {
  func.func @main(%arg0: tensor<?x32xf32> {bufferization.writable = false}, %arg1: tensor<16x32xf32> {bufferization.writable = false}, %arg2: tensor<16xf32> {bufferization.writable = false}) -> tensor<?x16xf32> attributes {llvm.emit_c_interface} {
    %c0 = arith.constant 0 : index
    %cst = arith.constant 0.000000e+00 : f32
    %dim = tensor.dim %arg0, %c0 : tensor<?x32xf32>
    %0 = tensor.empty(%dim) : tensor<?x16xf32>
    %1 = linalg.fill ins(%cst : f32) outs(%0 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %2 = linalg.matmul indexing_maps = [#map, #map1, #map2] {slipstick.decision = {k_block = 256 : i64, kind = "packed", m_block = 252 : i64, register_tile = [6, 16], vector = 8 : i64}} ins(%arg0, %arg1 : tensor<?x32xf32>, tensor<16x32xf32>) outs(%1 : tensor<?x16xf32>) -> tensor<?x16xf32>
    %3 = linalg.generic {indexing_maps = [#map3, #map4, #map3], iterator_types = ["parallel", "parallel"]} ins(%2, %arg2 : tensor<?x16xf32>, tensor<16xf32>) outs(%0 : tensor<?x16xf32>) {
    ^bb0(%in: f32, %in_0: f32, %out: f32):
      %4 = arith.addf %in, %in_0 : f32
      %5 = arith.maximumf %4, %cst : f32
      linalg.yield %5 : f32
    } -> tensor<?x16xf32>
    return %3 : tensor<?x16xf32>
  }
}

