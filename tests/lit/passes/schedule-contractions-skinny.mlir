// A few rows times a matrix that is stored column after column: B is read in place. Otherwise it is packed.
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' | filecheck %s
// RUN: slipstick-opt %s --schedule-contractions=skinny-rows=0 | filecheck %s --check-prefix=NEVER
// RUN: not slipstick-opt %s --schedule-contractions=skinny-rows=-1 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: error: schedule-contractions: skinny-rows: expected at least 0, found -1
// NEVER-NOT: skinny

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: func.func @one_row
// CHECK:         slipstick.decision = {kind = "skinny", register_tile = [1, 8], vector = 16 : i64}
func.func @one_row(%x: tensor<1x64xf32>, %w: tensor<32x64xf32>, %c: tensor<1x32xf32>) -> tensor<1x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %w : tensor<1x64xf32>, tensor<32x64xf32>) outs(%c : tensor<1x32xf32>) -> tensor<1x32xf32>
  return %0 : tensor<1x32xf32>
}

// L-Mul under `ieee` needs registers for its own values.
// CHECK-LABEL: func.func @lmul
// CHECK:         slipstick.decision = {kind = "skinny", register_tile = [7, 1], vector = 16 : i64}
func.func @lmul(%x: tensor<12x64xf32>, %w: tensor<32x64xf32>, %c: tensor<12x32xf32>) -> tensor<12x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
    ins(%x, %w : tensor<12x64xf32>, tensor<32x64xf32>) outs(%c : tensor<12x32xf32>) -> tensor<12x32xf32>
  return %0 : tensor<12x32xf32>
}

// Under `finite` too, where B is read in place: no packing has added the offset to it.
// CHECK-LABEL: func.func @finite
// CHECK:         slipstick.decision = {kind = "skinny", register_tile = [4, 4], vector = 16 : i64}
func.func @finite(%x: tensor<12x64xf32>, %w: tensor<32x64xf32>, %c: tensor<12x32xf32>) -> tensor<12x32xf32> {
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%x, %w : tensor<12x64xf32>, tensor<32x64xf32>) outs(%c : tensor<12x32xf32>) -> tensor<12x32xf32>
  return %0 : tensor<12x32xf32>
}

// CHECK-LABEL: func.func @row_major
// CHECK:         kind = "packed"
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
