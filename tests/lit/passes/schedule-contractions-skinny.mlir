// A few rows: B is read in place, column after column or row after row, as it is stored. Many rows: B is packed.
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' | filecheck %s
// RUN: slipstick-opt %s --schedule-contractions | filecheck %s --check-prefix=FEW
// RUN: slipstick-opt %s --schedule-contractions=skinny-rows=0 | filecheck %s --check-prefix=NEVER
// RUN: not slipstick-opt %s --schedule-contractions=skinny-rows=-1 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: error: schedule-contractions: skinny-rows: expected at least 0, found -1
// NEVER-NOT: "skinny"
// NEVER-NOT: "rows"

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @one_row
// CHECK:         slipstick.decision = {kind = "skinny", prefetch = 2048 : i64, register_tile = [1, 4], vector = 16 : i64}
func.func @one_row(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>, %c: tensor<1x32xf32>) -> tensor<1x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<1x64xf32>, tensor<32x64xf32>) outs(%c : tensor<1x32xf32>) -> tensor<1x32xf32>
  return %0 : tensor<1x32xf32>
}

// L-Mul under `ieee` needs registers for its own values.
// CHECK-LABEL: func.func @lmul
// CHECK:         slipstick.decision = {kind = "skinny", prefetch = 8192 : i64, register_tile = [7, 1], vector = 16 : i64}
func.func @lmul(%x: tensor<12x64xf32>, %w: tensor<32x64xf32>, %c: tensor<12x32xf32>) -> tensor<12x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
    ins(%x, %w : tensor<12x64xf32>, tensor<32x64xf32>) outs(%c : tensor<12x32xf32>) -> tensor<12x32xf32>
  return %0 : tensor<12x32xf32>
}

// Under `finite` too, where B is read in place: no packing has added the offset to it.
// CHECK-LABEL: func.func @finite
// CHECK:         slipstick.decision = {kind = "skinny", prefetch = 2048 : i64, register_tile = [4, 4], vector = 16 : i64}
func.func @finite(%x: tensor<4x64xf32>, %w: tensor<32x64xf32>, %c: tensor<4x32xf32>) -> tensor<4x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%x, %w : tensor<4x64xf32>, tensor<32x64xf32>) outs(%c : tensor<4x32xf32>) -> tensor<4x32xf32>
  return %0 : tensor<4x32xf32>
}

// Several rows of it, and several of a short depth, are packed.
// CHECK-LABEL: func.func @finite_rows
// CHECK:         kind = "packed"
// CHECK-LABEL: func.func @short
// CHECK:         kind = "packed"
func.func @finite_rows(%x: tensor<12x64xf32>, %w: tensor<32x64xf32>, %c: tensor<12x32xf32>) -> tensor<12x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%x, %w : tensor<12x64xf32>, tensor<32x64xf32>) outs(%c : tensor<12x32xf32>) -> tensor<12x32xf32>
  return %0 : tensor<12x32xf32>
}

func.func @short(%x: tensor<8x32xf32>, %w: tensor<64x32xf32>, %c: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<8x32xf32>, tensor<64x32xf32>) outs(%c : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}

// In 16 registers, a tile of fewer rows and more columns loads less than one of many rows and one column.
// FEW-LABEL: func.func @eight
// FEW:         slipstick.decision = {kind = "skinny", prefetch = 2730 : i64, register_tile = [4, 3], vector = 8 : i64}
func.func @eight(%x: tensor<8x64xf32>, %w: tensor<32x64xf32>, %c: tensor<8x32xf32>) -> tensor<8x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<8x64xf32>, tensor<32x64xf32>) outs(%c : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %0 : tensor<8x32xf32>
}

// CHECK-LABEL: func.func @row_major
// CHECK:         slipstick.decision = {k_unroll = 4 : i64, kind = "rows", register_tile = [1, 256], vector = 16 : i64}
func.func @row_major(%x: tensor<1x64xf32>, %w: tensor<64x32xf32>, %c: tensor<1x32xf32>) -> tensor<1x32xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<1x64xf32>, tensor<64x32xf32>) outs(%c : tensor<1x32xf32>) -> tensor<1x32xf32>
  return %0 : tensor<1x32xf32>
}

// CHECK-LABEL: func.func @many_rows
// CHECK:         kind = "packed"
func.func @many_rows(%x: tensor<17x64xf32>, %w: tensor<32x64xf32>, %c: tensor<17x32xf32>) -> tensor<17x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<17x64xf32>, tensor<32x64xf32>) outs(%c : tensor<17x32xf32>) -> tensor<17x32xf32>
  return %0 : tensor<17x32xf32>
}

// CHECK-LABEL: func.func @unknown_rows
// CHECK:         kind = "packed"
func.func @unknown_rows(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %c: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<?x64xf32>, tensor<32x64xf32>) outs(%c : tensor<?x32xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// Wide matrices are cut into an even number of blocks.
// CHECK-LABEL: func.func @wide
// CHECK:         slipstick.decision = {k_unroll = 4 : i64, kind = "rows", register_tile = [8, 1280], vector = 16 : i64}
func.func @wide(%x: tensor<16x64xf32>, %w: tensor<64x5120xf32>, %c: tensor<16x5120xf32>) -> tensor<16x5120xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<16x64xf32>, tensor<64x5120xf32>) outs(%c : tensor<16x5120xf32>) -> tensor<16x5120xf32>
  return %0 : tensor<16x5120xf32>
}

// Decoding narrow weights by the register takes registers: fewer columns for so many rows.
// CHECK-LABEL: func.func @narrow
// CHECK:         slipstick.decision = {kind = "skinny", prefetch = 4096 : i64, register_tile = [8, 2], vector = 16 : i64}
func.func @narrow(%x: tensor<8x64xf32>, %codes: tensor<32x64xbf16>, %c: tensor<8x32xf32>) -> tensor<8x32xf32> {
  %empty = tensor.empty() : tensor<32x64xf32>
  %w = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%codes : tensor<32x64xbf16>) outs(%empty : tensor<32x64xf32>) attrs = {slipstick.weights = "bf16"} {
  ^bb0(%code: bf16, %out: f32):
    %0 = arith.extf %code : bf16 to f32
    linalg.yield %0 : f32
  } -> tensor<32x64xf32>
  %1 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<8x64xf32>, tensor<32x64xf32>) outs(%c : tensor<8x32xf32>) -> tensor<8x32xf32>
  return %1 : tensor<8x32xf32>
}
