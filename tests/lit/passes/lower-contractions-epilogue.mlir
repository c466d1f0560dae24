// The kernel of a contraction does its epilogue: on the register tile, or on the tile just stored.
// RUN: slipstick-opt %s --lower-contractions --canonicalize --split-input-file | filecheck %s

// Behind the last block of the depth alone: 2 vectors and what is beside them, then the stores. A ragged tile is stored
// and done in a loop.
// CHECK-LABEL: func.func @registers
// CHECK-SAME:    %[[C:[^ ]*]]: memref<?x8xf32>, %[[BIAS:[^ ]*]]: memref<8xf32>, %[[RES:[^ ]*]]: memref<?x8xf32>
// CHECK-DAG:     %[[BIAS1:.*]] = memref.cast %[[BIAS]] : memref<8xf32> to memref<?xf32, strided<[1], offset: ?>>
// CHECK-DAG:     %[[RES1:.*]] = memref.cast %[[RES]] : memref<?x8xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:         call @slipstick_contraction_0(%{{.*}}, %[[BIAS1]], %[[RES1]])
// CHECK-NOT:     linalg.generic
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %[[DC:[^ ]*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>, {{.*}}, %[[DBIAS:[^ ]*]]: memref<?xf32, strided<[1], offset: ?>>, %[[DRES:[^ ]*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>)
// CHECK:         vector.fma
// CHECK:         scf.yield
// CHECK:         scf.if
// CHECK:           %[[B0:.*]] = vector.load %[[DBIAS]][%[[COLUMN:.*]]] : {{.*}}, vector<4xf32>
// CHECK:           %[[R0:.*]] = vector.load %[[DRES]][%{{.*}}, %[[COLUMN]]] : {{.*}}, vector<4xf32>
// CHECK:           %[[S0:.*]] = arith.addf %{{.*}}, %[[B0]] : vector<4xf32>
// CHECK:           %[[T0:.*]] = arith.addf %[[S0]], %[[R0]] : vector<4xf32>
// CHECK:           %[[U0:.*]] = arith.mulf %[[T0]], %[[T0]] {slipstick.lmul = {mantissa_bits = 4 : i64}} : vector<4xf32>
// CHECK:           vector.load %[[DBIAS]]
// CHECK:           vector.store %[[U0]], %[[DC]][
// CHECK:         } else {
// CHECK:         scf.for
// CHECK:           vector.load %[[DC]]
// CHECK:           vector.load %[[DBIAS]]
// CHECK:         vector.maskedload %[[DRES]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @registers(%a: memref<?x4xf32>, %b: memref<4x8xf32>, %c: memref<?x8xf32>, %bias: memref<8xf32>, %res: memref<?x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : memref<?x4xf32>, memref<4x8xf32>) outs(%c : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#column, #id, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "registers"}
    ins(%bias, %res : memref<8xf32>, memref<?x8xf32>) outs(%c : memref<?x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    %w = arith.addf %v, %y : f32
    %s = arith.mulf %w, %w {slipstick.lmul = {mantissa_bits = 4}} : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// In a loop; the operand of a batch is sliced, one that all slices have in common is not. Equal epilogues are one kernel.
// CHECK-LABEL: func.func @tile
// CHECK-SAME:    %[[BIAS:[^ ]*]]: memref<5x8xf32>, %[[SCALE:[^ ]*]]: memref<f32>
// CHECK:         scf.for %[[NUMBER:.*]] =
// CHECK:           %[[SLICE:.*]] = memref.subview %[[BIAS]][%[[NUMBER]], 0] [1, 8] [1, 1]
// CHECK:           call @slipstick_contraction_0(%{{.*}})
// CHECK:         scf.for
// CHECK:           call @slipstick_contraction_0(%{{.*}})
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK:         vector.fma
// CHECK:         vector.store
// CHECK:         scf.for
// CHECK:           vector.load
// CHECK:           memref.load %{{.*}}[] : memref<f32,
// CHECK:           math.exp %{{.*}} : vector<4xf32>
// CHECK:           vector.store
#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#column = affine_map<(d0, d1, d2) -> (d0, d2)>
#scalar = affine_map<(d0, d1, d2) -> ()>
func.func @tile(%a: memref<5x6x4xf32>, %b: memref<5x4x8xf32>, %c: memref<5x6x8xf32>, %d: memref<5x6x8xf32>, %bias: memref<5x8xf32>, %scale: memref<f32>) {
  linalg.batch_matmul {slipstick.decision = {kind = "packed", register_tile = [1, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : memref<5x6x4xf32>, memref<5x4x8xf32>) outs(%c : memref<5x6x8xf32>)
  linalg.generic {indexing_maps = [#column, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel"], slipstick.epilogue = "tile"}
    ins(%bias, %scale : memref<5x8xf32>, memref<f32>) outs(%c : memref<5x6x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    %e = math.exp %v : f32
    %s = arith.mulf %e, %y : f32
    linalg.yield %s : f32
  }
  linalg.batch_matmul {slipstick.decision = {kind = "packed", register_tile = [1, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : memref<5x6x4xf32>, memref<5x4x8xf32>) outs(%d : memref<5x6x8xf32>)
  linalg.generic {indexing_maps = [#column, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel"], slipstick.epilogue = "tile"}
    ins(%bias, %scale : memref<5x8xf32>, memref<f32>) outs(%d : memref<5x6x8xf32>) {
  ^bb0(%x: f32, %y: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    %e = math.exp %v : f32
    %s = arith.mulf %e, %y : f32
    linalg.yield %s : f32
  }
  return
}

// -----

// Something is done in between, or an operand's rows are not contiguous: the epilogue is left to be a loop.
// CHECK-LABEL: func.func @left
// CHECK:         call @slipstick_contraction_0(
// CHECK:         linalg.fill
// CHECK:         linalg.generic
// CHECK:         call @slipstick_contraction_0(
// CHECK:         linalg.generic
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @left(%a: memref<6x4xf32>, %b: memref<4x8xf32>, %c: memref<6x8xf32>, %d: memref<6x8xf32>, %t: memref<6x8xf32, strided<[1, 6]>>) {
  %zero = arith.constant 0.0 : f32
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : memref<6x4xf32>, memref<4x8xf32>) outs(%c : memref<6x8xf32>)
  linalg.fill ins(%zero : f32) outs(%d : memref<6x8xf32>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "registers"}
    ins(%d : memref<6x8xf32>) outs(%c : memref<6x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    linalg.yield %v : f32
  }
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : memref<6x4xf32>, memref<4x8xf32>) outs(%c : memref<6x8xf32>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"], slipstick.epilogue = "registers"}
    ins(%t : memref<6x8xf32, strided<[1, 6]>>) outs(%c : memref<6x8xf32>) {
  ^bb0(%x: f32, %sum: f32):
    %v = arith.addf %sum, %x : f32
    linalg.yield %v : f32
  }
  return
}
