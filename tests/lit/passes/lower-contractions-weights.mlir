// Kernels decode weights while they pack: codes are passed, and the decoded matrix is never made.
// RUN: slipstick-opt %s --lower-contractions --canonicalize --cse --split-input-file | filecheck %s

// Codes stored [K, N], as lm8: a row of codes is loaded, decoded with the exponents of its columns and packed.
// CHECK-LABEL: func.func @lm8
// CHECK-SAME:    %[[A:.*]]: memref<4x64xf32>, %[[CODES:.*]]: memref<64x8xi8>, %[[BIASES:.*]]: memref<8xi32>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     linalg.generic
// CHECK-DAG:     %[[B:.*]] = memref.cast %[[CODES]] : memref<64x8xi8> to memref<?x?xi8, strided<[?, ?], offset: ?>>
// CHECK-DAG:     %[[E:.*]] = memref.cast %[[BIASES]] : memref<8xi32> to memref<?xi32>
// CHECK:         call @slipstick_contraction_0(%{{.*}}, %[[B]], %{{.*}}, %[[E]])
// CHECK:         call @slipstick_contraction_0(%{{.*}}, %[[B]], %{{.*}}, %[[E]])
// CHECK-NOT:     memref.dealloc
// CHECK:         return
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK:         %[[BIAS:.*]] = vector.load %{{.*}} : memref<?xi32>, vector<4xi32>
// CHECK:         %[[UNBIASED:.*]] = arith.addi %[[BIAS]]
// CHECK:         %[[EXPONENT:.*]] = arith.shli %[[UNBIASED]]
// CHECK:         scf.for
// CHECK:           %[[ROW:.*]] = vector.load %{{.*}} : memref<?x?xi8, strided<[?, 1], offset: ?>>, vector<4xi8>
// CHECK:           %[[WIDE:.*]] = arith.extsi %[[ROW]] : vector<4xi8> to vector<4xi32>
// CHECK:           %[[ADDED:.*]] = arith.select %{{.*}}, %{{.*}}, %[[EXPONENT]]
// CHECK:           %[[SUM:.*]] = arith.addi %{{.*}}, %[[ADDED]] : vector<4xi32>
// CHECK:           %[[FLOATS:.*]] = arith.bitcast %[[SUM]] : vector<4xi32> to vector<4xf32>
// CHECK:           vector.store %[[FLOATS]]
#all = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @lm8(%a: memref<4x64xf32>, %codes: memref<64x8xi8>, %biases: memref<8xi32>, %c: memref<4x8xf32>, %d: memref<4x8xf32>) {
  %b = memref.alloc() : memref<64x8xf32>
  linalg.generic {indexing_maps = [#all, #column, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes, %biases : memref<64x8xi8>, memref<8xi32>) outs(%b : memref<64x8xf32>) attrs = {slipstick.weights = "lm8"} {
  ^bb0(%code: i8, %bias: i32, %out: f32):
    %0 = arith.constant 0.0 : f32
    linalg.yield %0 : f32
  }
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%c : memref<4x8xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%d : memref<4x8xf32>)
  memref.dealloc %b : memref<64x8xf32>
  return
}

// -----

// Stored [N, K], as bf16: squares of codes are turned as integers. Under `finite` clamp, truncation and offset follow.
// CHECK-LABEL: func.func @bf16
// CHECK-NOT:     linalg.generic
// CHECK:         memref.transpose %{{.*}} : memref<8x64xbf16> to memref<64x8xbf16
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK:         vector.load %{{.*}} : memref<?x?xbf16, strided<[?, 1], offset: ?>>, vector<4xbf16>
// CHECK:         vector.shuffle %{{.*}} : vector<4xi16>, vector<4xi16>
// CHECK:         %[[WIDE:.*]] = arith.extui %{{.*}} : vector<4xi16> to vector<4xi32>
// CHECK:         arith.shli %[[WIDE]]
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK:         arith.subi %{{.*}} : vector<4xi32>
// CHECK:         vector.store %{{.*}} : memref<64x4xi32>
#all = affine_map<(d0, d1) -> (d0, d1)>
func.func @bf16(%a: memref<4x64xf32>, %codes: memref<8x64xbf16>, %c: memref<4x8xf32>) {
  %b = memref.alloc() : memref<8x64xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes : memref<8x64xbf16>) outs(%b : memref<8x64xf32>) attrs = {slipstick.weights = "bf16"} {
  ^bb0(%code: bf16, %out: f32):
    %0 = arith.extf %code : bf16 to f32
    linalg.yield %0 : f32
  }
  linalg.matmul
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4},
     slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%a, %b : memref<4x64xf32>, memref<8x64xf32>) outs(%c : memref<4x8xf32>)
  memref.dealloc %b : memref<8x64xf32>
  return
}

// -----

// Decoded as it stands: biases that do not belong to the columns of B, a decoded matrix that something else reads, codes
// that are written.
// CHECK-LABEL: func.func @rows
// CHECK:         linalg.generic
// CHECK:         call @slipstick_contraction_0(
// CHECK-LABEL: func.func @read
// CHECK:         linalg.generic
// CHECK:         call @slipstick_contraction_0(
// CHECK-LABEL: func.func @written
// CHECK:         linalg.generic
// CHECK:         call @slipstick_contraction_0(
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @rows(%a: memref<4x64xf32>, %codes: memref<64x8xi8>, %biases: memref<64xi32>, %c: memref<4x8xf32>) {
  %b = memref.alloc() : memref<64x8xf32>
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes, %biases : memref<64x8xi8>, memref<64xi32>) outs(%b : memref<64x8xf32>) attrs = {slipstick.weights = "lm8"} {
  ^bb0(%code: i8, %bias: i32, %out: f32):
    %0 = arith.constant 0.0 : f32
    linalg.yield %0 : f32
  }
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%c : memref<4x8xf32>)
  memref.dealloc %b : memref<64x8xf32>
  return
}
func.func @read(%a: memref<4x64xf32>, %codes: memref<64x8xbf16>, %c: memref<4x8xf32>, %copy: memref<64x8xf32>) {
  %b = memref.alloc() : memref<64x8xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes : memref<64x8xbf16>) outs(%b : memref<64x8xf32>) attrs = {slipstick.weights = "bf16"} {
  ^bb0(%code: bf16, %out: f32):
    %0 = arith.extf %code : bf16 to f32
    linalg.yield %0 : f32
  }
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%c : memref<4x8xf32>)
  memref.copy %b, %copy : memref<64x8xf32> to memref<64x8xf32>
  memref.dealloc %b : memref<64x8xf32>
  return
}
func.func @written(%a: memref<4x64xf32>, %codes: memref<64x8xbf16>, %c: memref<4x8xf32>, %new: memref<64x8xbf16>) {
  %b = memref.alloc() : memref<64x8xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes : memref<64x8xbf16>) outs(%b : memref<64x8xf32>) attrs = {slipstick.weights = "bf16"} {
  ^bb0(%code: bf16, %out: f32):
    %0 = arith.extf %code : bf16 to f32
    linalg.yield %0 : f32
  }
  memref.copy %new, %codes : memref<64x8xbf16> to memref<64x8xbf16>
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%c : memref<4x8xf32>)
  memref.dealloc %b : memref<64x8xf32>
  return
}

// -----

// A few rows: A is copied in the order in which a register of codes is decoded; lm8's exponent multiplies the sum.
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK:         %[[A:.*]] = memref.alloc(%{{.*}}) {alignment = 64 : i64} : memref<1x?xf32>
// CHECK-COUNT-4: vector.load
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.store %{{.*}}, %[[A]]
// CHECK:         %[[SCALE:.*]] = arith.bitcast %{{.*}} : i32 to f32
// CHECK:         vector.load %{{.*}} : memref<?x?xi8, strided<[?, 1], offset: ?>>, vector<16xi8>
// CHECK:         vector.bitcast %{{.*}} : vector<16xi8> to vector<8xi16>
// CHECK:         arith.shrsi %{{.*}} : vector<8xi16>
// CHECK:         vector.bitcast %{{.*}} : vector<8xi16> to vector<4xi32>
// CHECK-COUNT-16: vector.fma
// CHECK:         %[[SUM:.*]] = vector.reduction <add>
// CHECK:         arith.mulf %[[SUM]], %[[SCALE]] : f32
// CHECK:         memref.dealloc %[[A]]
#all = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @few(%a: memref<1x64xf32>, %codes: memref<8x64xi8>, %biases: memref<8xi32>, %c: memref<1x8xf32>) {
  %b = memref.alloc() : memref<8x64xf32>
  linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes, %biases : memref<8x64xi8>, memref<8xi32>) outs(%b : memref<8x64xf32>) attrs = {slipstick.weights = "lm8"} {
  ^bb0(%code: i8, %bias: i32, %out: f32):
    %0 = arith.constant 0.0 : f32
    linalg.yield %0 : f32
  }
  linalg.matmul
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "skinny", register_tile = [1, 1], vector = 4}}
    ins(%a, %b : memref<1x64xf32>, memref<8x64xf32>) outs(%c : memref<1x8xf32>)
  memref.dealloc %b : memref<8x64xf32>
  return
}

// -----

// Deallocation compares the address of the decoded matrix with others: it has that of a byte.
// CHECK-LABEL: func.func @address
// CHECK:         %[[BYTE:.*]] = memref.alloc() : memref<1xi8>
// CHECK-NOT:     linalg.generic
// CHECK:         call @slipstick_contraction_0(
// CHECK:         memref.extract_aligned_pointer_as_index %[[BYTE]]
// CHECK:         memref.dealloc %[[BYTE]]
#all = affine_map<(d0, d1) -> (d0, d1)>
func.func @address(%a: memref<4x64xf32>, %codes: memref<64x8xbf16>, %c: memref<4x8xf32>) -> index {
  %b = memref.alloc() : memref<64x8xf32>
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%codes : memref<64x8xbf16>) outs(%b : memref<64x8xf32>) attrs = {slipstick.weights = "bf16"} {
  ^bb0(%code: bf16, %out: f32):
    %0 = arith.extf %code : bf16 to f32
    linalg.yield %0 : f32
  }
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<4x64xf32>, memref<64x8xf32>) outs(%c : memref<4x8xf32>)
  %address = memref.extract_aligned_pointer_as_index %b : memref<64x8xf32> -> index
  memref.dealloc %b : memref<64x8xf32>
  return %address : index
}
