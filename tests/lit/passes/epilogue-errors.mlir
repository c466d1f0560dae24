// A decision that cannot be read, or an epilogue that no kernel can do, is an error at its operation.
// RUN: slipstick-opt %s --fuse-epilogues --lower-contractions --split-input-file --verify-diagnostics

func.func @decision(%a: tensor<8x8xf32>) -> tensor<8x8xf32> {
  // expected-error @+1 {{slipstick.decision: expected kind "packed" or "skinny" or "rows", found "naive"}}
  %0 = linalg.matmul {slipstick.decision = {kind = "naive", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : tensor<8x8xf32>, tensor<8x8xf32>) outs(%a : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %0 : tensor<8x8xf32>
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @place(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  // expected-error @+1 {{slipstick.epilogue: expected "registers" or "tile" or "apart", found "cache"}}
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "cache"}
    ins(%a : memref<8x8xf32>) outs(%c : memref<8x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    linalg.yield %v : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
func.func @form(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  // expected-error @+1 {{slipstick.epilogue: expected an element-wise linalg.generic that updates one output}}
  linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "tile"}
    ins(%a : memref<8x8xf32>) outs(%c : memref<8x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    linalg.yield %v : f32
  }
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @body(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  // expected-error @+1 {{slipstick.epilogue: expected a body of operations of arith and math on scalars alone}}
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "tile"}
    ins(%a : memref<8x8xf32>) outs(%c : memref<8x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %k = arith.sitofp %j : i32 to f32
    %v = arith.addf %sum, %k : f32
    linalg.yield %v : f32
  }
  return
}
