// A few rows of parameters: they are packed once, from four rows on; for L-Mul under `finite` always, whose work on them
// is then done. One tile of rows, four steps a turn: it prefetches as many lines as it reads, under `finite` too.
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' | filecheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @main
// CHECK:         kind = "skinny", prefetch = 2048 : i64, register_tile = [3, 4]
// CHECK:         kind = "packed", m_block = 4 : i64, pack_depth = 64 : i64, pack_left = false, prefetch = 12 : i64, register_tile = [4, 48]
// CHECK:         kind = "packed", m_block = 1 : i64, pack_depth = 64 : i64, pack_left = true, prefetch = 12 : i64, register_tile = [1, 48]
// The last is no parameter.
// CHECK:         kind = "skinny", prefetch = 2048 : i64, register_tile = [4, 4]
func.func @main(%x: tensor<3x64xf32>, %y: tensor<4x64xf32>, %z: tensor<1x64xf32>, %w: tensor<96x64xf32> {slipstick.parameter}, %v: tensor<96x64xf32>)
    -> (tensor<3x96xf32>, tensor<4x96xf32>, tensor<1x96xf32>, tensor<4x96xf32>) {
  %c = tensor.empty() : tensor<3x96xf32>
  %d = tensor.empty() : tensor<4x96xf32>
  %e = tensor.empty() : tensor<1x96xf32>
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<3x64xf32>, tensor<96x64xf32>) outs(%c : tensor<3x96xf32>) -> tensor<3x96xf32>
  %1 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %w : tensor<4x64xf32>, tensor<96x64xf32>) outs(%d : tensor<4x96xf32>) -> tensor<4x96xf32>
  %2 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%z, %w : tensor<1x64xf32>, tensor<96x64xf32>) outs(%e : tensor<1x96xf32>) -> tensor<1x96xf32>
  %3 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %v : tensor<4x64xf32>, tensor<96x64xf32>) outs(%d : tensor<4x96xf32>) -> tensor<4x96xf32>
  return %0, %1, %2, %3 : tensor<3x96xf32>, tensor<4x96xf32>, tensor<1x96xf32>, tensor<4x96xf32>
}

// What every call passes a parameter as is one: the function's product is packed, too.
// So low a tile is four vectors wide, where that leaves no more of the last panel empty.
// CHECK-LABEL: func.func private @layer
// CHECK:         kind = "packed", {{.*}}register_tile = [4, 64]
// CHECK-LABEL: func.func private @other
// CHECK:         kind = "skinny"
func.func private @layer(%y: tensor<4x64xf32>, %w: tensor<2048x64xf32>, %d: tensor<4x2048xf32>) -> tensor<4x2048xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %w : tensor<4x64xf32>, tensor<2048x64xf32>) outs(%d : tensor<4x2048xf32>) -> tensor<4x2048xf32>
  return %0 : tensor<4x2048xf32>
}
func.func private @other(%y: tensor<4x64xf32>, %w: tensor<2048x64xf32>, %d: tensor<4x2048xf32>) -> tensor<4x2048xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %w : tensor<4x64xf32>, tensor<2048x64xf32>) outs(%d : tensor<4x2048xf32>) -> tensor<4x2048xf32>
  return %0 : tensor<4x2048xf32>
}
func.func @calls(%y: tensor<4x64xf32>, %w: tensor<2048x64xf32> {slipstick.parameter}, %v: tensor<2048x64xf32>, %d: tensor<4x2048xf32>)
    -> (tensor<4x2048xf32>, tensor<4x2048xf32>, tensor<4x2048xf32>) {
  %0 = call @layer(%y, %w, %d) : (tensor<4x64xf32>, tensor<2048x64xf32>, tensor<4x2048xf32>) -> tensor<4x2048xf32>
  %1 = call @other(%y, %w, %d) : (tensor<4x64xf32>, tensor<2048x64xf32>, tensor<4x2048xf32>) -> tensor<4x2048xf32>
  %2 = call @other(%y, %v, %d) : (tensor<4x64xf32>, tensor<2048x64xf32>, tensor<4x2048xf32>) -> tensor<4x2048xf32>
  return %0, %1, %2 : tensor<4x2048xf32>, tensor<4x2048xf32>, tensor<4x2048xf32>
}

// Two row tiles wait for memory: blocks of the depth are short, and what is prefetched is near. Three take longer ones.
// CHECK-LABEL: func.func private @few_tiles
// CHECK:         k_block = 256 : i64, {{.*}} m_block = 16 : i64, pack_depth = 1024 : i64, {{.*}} prefetch = 6 : i64, register_tile = [8, 48]
// CHECK:         k_block = 320 : i64, {{.*}} m_block = 24 : i64, pack_depth = 320 : i64, {{.*}} prefetch = 4 : i64, register_tile = [8, 48]
func.func private @few_tiles(%x: tensor<16x1024xf32>, %y: tensor<24x320xf32>, %v: tensor<96x1024xf32> {slipstick.parameter}, %w: tensor<96x320xf32>)
    -> (tensor<16x96xf32>, tensor<24x96xf32>) {
  %c = tensor.empty() : tensor<16x96xf32>
  %d = tensor.empty() : tensor<24x96xf32>
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %v : tensor<16x1024xf32>, tensor<96x1024xf32>) outs(%c : tensor<16x96xf32>) -> tensor<16x96xf32>
  %1 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %w : tensor<24x320xf32>, tensor<96x320xf32>) outs(%d : tensor<24x96xf32>) -> tensor<24x96xf32>
  return %0, %1 : tensor<16x96xf32>, tensor<24x96xf32>
}
