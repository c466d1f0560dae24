// The register tile fills the registers, a panel of B the first cache, a block of A half of the second.
// RUN: slipstick-opt %s --schedule-contractions | filecheck %s
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32 l1-bytes=32768 l2-bytes=1048576' | filecheck %s --check-prefix=AVX512
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=128 vector-registers=32' | filecheck %s --check-prefix=NEON
// RUN: slipstick-opt %s --schedule-contractions='l1-bytes=1000000000 l2-bytes=1000000000' | filecheck %s --check-prefix=LARGE
// RUN: not slipstick-opt %s --schedule-contractions=vector-bits=48 2>&1 | filecheck %s --check-prefix=BITS
// RUN: not slipstick-opt %s --schedule-contractions=l1-bytes=0 2>&1 | filecheck %s --check-prefix=L1

// BITS: vector-bits: expected a power of two from 64 to 4096, found 48
// L1: l1-bytes: expected at least 1, found 0

// CHECK-LABEL:  func.func @single
// CHECK:          linalg.matmul {slipstick.decision = {k_block = 256 : i64, k_unroll = 4 : i64, kind = "packed", m_block = 256 : i64, pack_depth = 256 : i64, pack_left = true, prefetch = 1 : i64, register_tile = [4, 24], vector = 8 : i64}}
// AVX512-LABEL: func.func @single
// AVX512:         k_block = 256 : i64, {{.*}} register_tile = [8, 48], vector = 16
// NEON-LABEL:   func.func @single
// NEON:           register_tile = [8, 12], vector = 4
// What lies on the stack stays small.
// LARGE-LABEL:  func.func @single
// LARGE:          k_block = 256 : i64, {{.*}} register_tile = [4, 24]
func.func @single(%a: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = linalg.matmul ins(%a, %a : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @double_batch
// CHECK:         linalg.batch_matmul {slipstick.decision = {{{.*}}register_tile = [4, 12], vector = 4 : i64}}
func.func @double_batch(%a: tensor<2x?x?xf64>, %c: tensor<2x?x?xf64>) -> tensor<2x?x?xf64> {
  %0 = linalg.batch_matmul ins(%a, %a : tensor<2x?x?xf64>, tensor<2x?x?xf64>) outs(%c : tensor<2x?x?xf64>) -> tensor<2x?x?xf64>
  return %0 : tensor<2x?x?xf64>
}

// L-Mul under `ieee` is expanded in the inner loop and needs registers there; under `finite` it is one addition.
// CHECK-LABEL: func.func @lmul
// NEON-LABEL: func.func @lmul
// CHECK:         linalg.matmul {slipstick.decision = {{{.*}}register_tile = [3, 16]{{.*}} slipstick.lmul =
// NEON:          linalg.matmul {slipstick.decision = {{{.*}}register_tile = [2, 8]{{.*}} slipstick.lmul =
// CHECK:         linalg.matmul {slipstick.decision = {{{.*}}register_tile = [6, 16]{{.*}} slipstick.lmul =
func.func @lmul(%a: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
    ins(%a, %a : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%a, %a : tensor<?x?xf32>, tensor<?x?xf32>) outs(%0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// A decision that is there stays, whoever made it.
// CHECK-LABEL: func.func @decided
// CHECK:         linalg.matmul {slipstick.decision = {kind = "by hand"}}
func.func @decided(%a: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %0 = linalg.matmul {slipstick.decision = {kind = "by hand"}}
    ins(%a, %a : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// Left to the loops: other types, mixed types, operands that a map broadcasts, other contractions.
// CHECK-LABEL: func.func @undecided
// CHECK-NOT:     slipstick.decision
func.func @undecided(%h: tensor<4x4xf16>, %s: tensor<4x4xf32>, %i: tensor<4x4xi32>, %v: tensor<4xf32>) {
  %0 = linalg.matmul ins(%h, %h : tensor<4x4xf16>, tensor<4x4xf16>) outs(%h : tensor<4x4xf16>) -> tensor<4x4xf16>
  %1 = linalg.matmul ins(%h, %h : tensor<4x4xf16>, tensor<4x4xf16>) outs(%s : tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = linalg.matmul ins(%i, %i : tensor<4x4xi32>, tensor<4x4xi32>) outs(%i : tensor<4x4xi32>) -> tensor<4x4xi32>
  %3 = linalg.matvec ins(%s, %v : tensor<4x4xf32>, tensor<4xf32>) outs(%v : tensor<4xf32>) -> tensor<4xf32>
  %4 = linalg.matmul indexing_maps = [
      affine_map<(m, n, k) -> (k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%v, %s : tensor<4xf32>, tensor<4x4xf32>) outs(%s : tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// The last panel of 48 columns would be a third or two thirds empty, and narrower ones less; of 1,000 columns it does not matter.
// CHECK-LABEL:  func.func @widths
// AVX512-LABEL: func.func @widths
// AVX512:         register_tile = [8, 32]
// AVX512:         register_tile = [8, 16]
// AVX512:         register_tile = [8, 48]
// AVX512:         register_tile = [8, 32]
// AVX512:         register_tile = [8, 48]
func.func @widths(%a: tensor<64x8xf32>, %b: tensor<8x128xf32>, %c: tensor<64x128xf32>, %d: tensor<8x16xf32>, %e: tensor<64x16xf32>,
                  %f: tensor<8x96xf32>, %g: tensor<64x96xf32>, %h: tensor<8x50xf32>, %i: tensor<64x50xf32>, %j: tensor<8x1000xf32>, %k: tensor<64x1000xf32>)
    -> (tensor<64x128xf32>, tensor<64x16xf32>, tensor<64x96xf32>, tensor<64x50xf32>, tensor<64x1000xf32>) {
  %0 = linalg.matmul ins(%a, %b : tensor<64x8xf32>, tensor<8x128xf32>) outs(%c : tensor<64x128xf32>) -> tensor<64x128xf32>
  %1 = linalg.matmul ins(%a, %d : tensor<64x8xf32>, tensor<8x16xf32>) outs(%e : tensor<64x16xf32>) -> tensor<64x16xf32>
  %2 = linalg.matmul ins(%a, %f : tensor<64x8xf32>, tensor<8x96xf32>) outs(%g : tensor<64x96xf32>) -> tensor<64x96xf32>
  %3 = linalg.matmul ins(%a, %h : tensor<64x8xf32>, tensor<8x50xf32>) outs(%i : tensor<64x50xf32>) -> tensor<64x50xf32>
  %4 = linalg.matmul ins(%a, %j : tensor<64x8xf32>, tensor<8x1000xf32>) outs(%k : tensor<64x1000xf32>) -> tensor<64x1000xf32>
  return %0, %1, %2, %3, %4 : tensor<64x128xf32>, tensor<64x16xf32>, tensor<64x96xf32>, tensor<64x50xf32>, tensor<64x1000xf32>
}

// Sizes that are known: rows so that the last tile is not mostly empty, blocks of the depth of equal length, as many lines
// prefetched as bring the next block of the panel in while so few row tiles run. A is read in place, unless L-Mul prepares it or its
// columns are contiguous. Of so few rows blocks are short, since rows of B are packed in the call.
// AVX512-LABEL: func.func @known
// AVX512:         k_block = 128 : i64, {{.*}} m_block = 21 : i64, pack_depth = 768 : i64, pack_left = false, prefetch = 4 : i64, register_tile = [7, 48]
// AVX512:         k_block = 128 : i64, {{.*}} m_block = 128 : i64, pack_depth = 768 : i64, pack_left = false, prefetch = 1 : i64, register_tile = [8, 48]
// AVX512:         pack_left = true, {{.*}} slipstick.lmul
// AVX512:         pack_left = true
func.func @known(%a: tensor<20x768xf32>, %b: tensor<768x768xf32>, %c: tensor<20x768xf32>, %d: tensor<128x768xf32>, %e: tensor<128x768xf32>) {
  %0 = linalg.matmul ins(%a, %b : tensor<20x768xf32>, tensor<768x768xf32>) outs(%c : tensor<20x768xf32>) -> tensor<20x768xf32>
  %1 = linalg.matmul ins(%d, %b : tensor<128x768xf32>, tensor<768x768xf32>) outs(%e : tensor<128x768xf32>) -> tensor<128x768xf32>
  %2 = linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%d, %b : tensor<128x768xf32>, tensor<768x768xf32>) outs(%e : tensor<128x768xf32>) -> tensor<128x768xf32>
  %3 = linalg.matmul indexing_maps = [
      affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    ins(%b, %b : tensor<768x768xf32>, tensor<768x768xf32>) outs(%b : tensor<768x768xf32>) -> tensor<768x768xf32>
  return
}

// A long depth: B is read once for each block of rows, C once for each block of the depth. A few rows take a deeper block
// of A, many rows a higher one.
// AVX512-LABEL: func.func @deep
// AVX512:         k_block = 128 : i64, {{.*}} m_block = 64 : i64, pack_depth = 1664 : i64
// AVX512:         k_block = 512 : i64, {{.*}} m_block = 256 : i64, pack_depth = 512 : i64
func.func @deep(%a: tensor<64x4992xf32>, %b: tensor<4992x96xf32>, %c: tensor<64x96xf32>, %d: tensor<1024x4992xf32>, %e: tensor<1024x96xf32>) {
  %0 = linalg.matmul ins(%a, %b : tensor<64x4992xf32>, tensor<4992x96xf32>) outs(%c : tensor<64x96xf32>) -> tensor<64x96xf32>
  %1 = linalg.matmul ins(%d, %b : tensor<1024x4992xf32>, tensor<4992x96xf32>) outs(%e : tensor<1024x96xf32>) -> tensor<1024x96xf32>
  return
}
