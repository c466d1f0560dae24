// A decision that cannot be applied is an error at its operation.
// RUN: slipstick-opt %s --lower-contractions --split-input-file --verify-diagnostics

func.func @kind(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected kind "packed" or "skinny" or "rows", found "naive"}}
  linalg.matmul {slipstick.decision = {kind = "naive", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @entry(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected a dictionary of kind, register_tile = [rows, columns], vector, k_block and m_block where it is packed, k_unroll where it reads rows, found}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @no_dictionary(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected a dictionary}}
  linalg.matmul {slipstick.decision = 3 : i64}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @text(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected a dictionary}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = ["6", 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @zero(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected sizes of at least 1}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 0, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @vector(%a: memref<8x8xf32>) {
  // expected-error @+1 {{expected a power of two as the vector length, found 3}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 9], k_block = 64, m_block = 12, vector = 3}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @columns(%a: memref<8x8xf32>) {
  // expected-error @+1 {{expected tile columns in multiples of the vector (8), found 12}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 12], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @rows(%a: memref<8x8xf32>) {
  // expected-error @+1 {{expected m_block in multiples of the tile rows (6), found 16}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 16, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @tile(%a: memref<8x8xf32>) {
  // expected-error @+1 {{expected at most 256 vectors in the register tile, found 1024}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [64, 16], k_block = 64, m_block = 64, vector = 1}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

// The panel lies on the stack of the thread that runs it.
func.func @panel(%a: memref<8x8xf32>) {
  // expected-error @+1 {{expected at most 65536 elements in a panel (k_block times tile columns), found 1600000}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 100000, m_block = 6, vector = 8}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @integers(%a: memref<8x8xi32>) {
  // expected-error @+1 {{'linalg.matmul' has a decision: expected elements of f32 or of f64 alone, found i32}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%a, %a : memref<8x8xi32>, memref<8x8xi32>) outs(%a : memref<8x8xi32>)
  return
}

// -----

func.func @mixed(%a: memref<8x8xf32>, %h: memref<8x8xf16>) {
  // expected-error @+1 {{expected elements of f32 or of f64 alone, found f16, f32}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%h, %h : memref<8x8xf16>, memref<8x8xf16>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @broadcast(%a: memref<8x8xf32>, %v: memref<8xf32>) {
  // expected-error @+1 {{expected no operand that is broadcast by its indexing map}}
  linalg.matmul indexing_maps = [
      affine_map<(m, n, k) -> (k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [6, 16], k_block = 64, m_block = 12, vector = 8}}
    ins(%v, %a : memref<8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>
func.func @unknown_rows(%x: memref<?x64xf32>, %w: memref<32x64xf32>, %c: memref<?x32xf32>) {
  // expected-error @+1 {{'linalg.matmul' has a decision for a few rows: expected a known number of rows, found memref<?x32xf32>}}
  linalg.matmul indexing_maps = [#a, #bt, #c] {slipstick.decision = {kind = "skinny", register_tile = [1, 2], vector = 4}}
    ins(%x, %w : memref<?x64xf32>, memref<32x64xf32>) outs(%c : memref<?x32xf32>)
  return
}

// -----

func.func @rows_sizes(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected tile columns in multiples of the vector (8), found 12}}
  linalg.matmul {slipstick.decision = {kind = "rows", register_tile = [1, 12], vector = 8, k_unroll = 4}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @ahead(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected 0 to 65536 bytes to prefetch, found -1}}
  linalg.matmul {slipstick.decision = {kind = "skinny", register_tile = [1, 2], vector = 8, prefetch = -1}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @prepared(%a: memref<8x8xf32>) {
  // expected-error @+1 {{'linalg.matmul' has a decision and L-Mul: expected pack_left = true: under the policy "finite" A is prepared while it is packed}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4, pack_left = false},
                 slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

func.func @neither(%a: memref<8x8xf32>) {
  // expected-error @+1 {{slipstick.decision: expected true or false for pack_left, found 2}}
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4, pack_left = 2}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}
