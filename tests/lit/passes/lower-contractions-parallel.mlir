// Parallel loops: one region for a batch that is balanced, inside the kernel otherwise, none where there is little work.
// RUN: slipstick-opt %s --lower-contractions='parallel=true min-work=4096' --canonicalize --split-input-file | filecheck %s

// CHECK-LABEL: func.func @large
// CHECK:         call @slipstick_contraction_0
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK:         scf.parallel
func.func @large(%a: memref<16x16xf32>, %b: memref<16x16xf32>, %c: memref<16x16xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4}}
    ins(%a, %b : memref<16x16xf32>, memref<16x16xf32>) outs(%c : memref<16x16xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @little
// CHECK-NOT:     scf.parallel
func.func @little(%a: memref<16x15xf32>, %b: memref<15x16xf32>, %c: memref<16x16xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4}}
    ins(%a, %b : memref<16x15xf32>, memref<15x16xf32>) outs(%c : memref<16x16xf32>)
  return
}

// -----

// Sizes that are not known count as large.
// CHECK-LABEL: func.func @dynamic
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK:         scf.parallel
func.func @dynamic(%a: memref<?x4xf32>, %b: memref<4x4xf32>, %c: memref<?x4xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4}}
    ins(%a, %b : memref<?x4xf32>, memref<4x4xf32>) outs(%c : memref<?x4xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @batch
// CHECK:         scf.parallel
// CHECK-NOT:     scf.parallel
// CHECK:         call @slipstick_contraction_0
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK-NOT:     scf.parallel
func.func @batch(%a: memref<4x16x16xf32>, %b: memref<4x16x16xf32>, %c: memref<4x16x16xf32>) {
  linalg.batch_matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4}}
    ins(%a, %b : memref<4x16x16xf32>, memref<4x16x16xf32>) outs(%c : memref<4x16x16xf32>)
  return
}

// -----

// Three slices would leave one of two threads idle for a third of the time.
// CHECK-LABEL: func.func @odd
// CHECK:         scf.for
// CHECK:           call @slipstick_contraction_0
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK:         scf.parallel
func.func @odd(%a: memref<3x16x16xf32>, %b: memref<3x16x16xf32>, %c: memref<3x16x16xf32>) {
  linalg.batch_matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4}}
    ins(%a, %b : memref<3x16x16xf32>, memref<3x16x16xf32>) outs(%c : memref<3x16x16xf32>)
  return
}

// -----

// An A that is read in place leaves one parallel loop, over panels of B.
// CHECK-LABEL: func.func @in_place
// CHECK-LABEL: func.func private @slipstick_contraction_0(
// CHECK:         scf.parallel
// CHECK:           func.call @slipstick_contraction_0_panel
// CHECK-NOT:     scf.parallel
func.func @in_place(%a: memref<16x16xf32>, %b: memref<16x16xf32>, %c: memref<16x16xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4, pack_left = false}}
    ins(%a, %b : memref<16x16xf32>, memref<16x16xf32>) outs(%c : memref<16x16xf32>)
  return
}

// -----

// A is read in place: the panels of all blocks of rows are shared out at once, for each block of the depth.
// CHECK-LABEL: func.func @in_place
// CHECK-LABEL: func.func private @slipstick_contraction_0
// CHECK:         scf.for
// CHECK:           scf.parallel
// CHECK:             arith.divui
// CHECK:             arith.remui
// CHECK:             call @slipstick_contraction_0_panel
// CHECK-NOT:     scf.parallel
func.func @in_place(%a: memref<16x16xf32>, %b: memref<16x16xf32>, %c: memref<16x16xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], vector = 4, k_block = 8, m_block = 4, pack_left = false}}
    ins(%a, %b : memref<16x16xf32>, memref<16x16xf32>) outs(%c : memref<16x16xf32>)
  return
}
