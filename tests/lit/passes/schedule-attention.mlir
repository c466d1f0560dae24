// RUN: slipstick-opt %s --schedule-attention="vector-bits=512 vector-registers=32" | filecheck %s --check-prefix=WIDE
// RUN: slipstick-opt %s --schedule-attention | filecheck %s --check-prefix=NARROW

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// Two vectors of keys where three would leave more of them to pad; a decision that is there stays.
// WIDE:   slipstick.decision = {kind = "attention", register_tile = [8, 32], vector = 16 : i64}
// NARROW: slipstick.decision = {kind = "attention", register_tile = [4, 16], vector = 8 : i64}
func.func @by_keys(%q: memref<5x16xf32>, %k: memref<128x16xf32>, %s: memref<5x128xf32>) {
  scf.forall (%h) in (4) {
    linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%q, %k : memref<5x16xf32>, memref<128x16xf32>) outs(%s : memref<5x128xf32>)
  } {slipstick.attention = {scale = 1.0 : f32}}
  return
}

// WIDE:   slipstick.decision = {kind = "attention", register_tile = [4, 32], vector = 16 : i64}
// NARROW: slipstick.decision = {kind = "attention", register_tile = [2, 16], vector = 8 : i64}
func.func @expanding(%q: memref<5x16xf32>, %k: memref<96x16xf32>, %s: memref<5x96xf32>) {
  scf.forall (%h) in (4) {
    linalg.matmul indexing_maps = [#mk, #nk, #mn] {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
      ins(%q, %k : memref<5x16xf32>, memref<96x16xf32>) outs(%s : memref<5x96xf32>)
  } {slipstick.attention = {scale = 1.0 : f32}}
  return
}

// A mask by place compares 64-bit numbers: one vector of scores at a time.
// WIDE:   slipstick.decision = {kind = "attention", register_tile = [8, 16], vector = 16 : i64}
// NARROW: slipstick.decision = {kind = "attention", register_tile = [8, 8], vector = 8 : i64}
#i = affine_map<(d0, d1) -> (d0, d1)>
func.func @by_place(%q: memref<5x16xf32>, %k: memref<128x16xf32>, %s: memref<5x128xf32>, %hidden: f32) {
  scf.forall (%h) in (4) {
    linalg.matmul indexing_maps = [#mk, #nk, #mn] ins(%q, %k : memref<5x16xf32>, memref<128x16xf32>) outs(%s : memref<5x128xf32>)
    linalg.generic {indexing_maps = [#i], iterator_types = ["parallel", "parallel"]} outs(%s : memref<5x128xf32>) {
    ^bb0(%score: f32):
      %row = linalg.index 0 : index
      %key = linalg.index 1 : index
      %seen = arith.cmpi sle, %key, %row : index
      %masked = arith.select %seen, %score, %hidden : f32
      linalg.yield %masked : f32
    }
  } {slipstick.attention = {scale = 1.0 : f32}}
  return
}

// WIDE:   slipstick.decision = {kind = "attention", register_tile = [1, 4], vector = 4 : i64}
func.func @decided() {
  scf.forall (%h) in (4) {
  } {slipstick.attention = {scale = 1.0 : f32}, slipstick.decision = {kind = "attention", register_tile = [1, 4], vector = 4 : i64}}
  return
}
