// A decided contraction becomes a call of a packed kernel; what the kernel looks like is the decision's choice.
// RUN: slipstick-opt %s --lower-contractions --canonicalize --split-input-file | filecheck %s
// RUN: slipstick-opt %s --lower-contractions=parallel=true --canonicalize --split-input-file | filecheck %s --check-prefix=PARALLEL

// A is packed in tiles of 2 rows, B in panels of 12 columns; 2 x 3 accumulators of 4 lanes live through the loop over k:
// three loads of B, for each row of A a broadcast and three fused multiply-adds.
// CHECK-LABEL: func.func @exact
// CHECK:         %[[A:.*]] = memref.cast %{{.*}} : memref<?x?xf32> to memref<?x?xf32, strided<[?, ?], offset: ?>>
// CHECK:         call @slipstick_contraction_0(%[[A]],
// CHECK-NOT:     linalg.matmul
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %[[PACKED_A:.*]]: memref<4x64x2xf32>,
// CHECK-DAG:     %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[FOUR:.*]] = arith.constant 4 : index
// CHECK-DAG:     %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK:         %[[PACKED_B:.*]] = memref.alloca() {alignment = 64 : i64} : memref<64x12xf32>
// CHECK:         scf.for %[[K:.*]] = %[[ZERO]] to %{{.*}} step %[[ONE]] iter_args(%[[C0:[^ ]*]] = %{{[^ ]*}}, %[[C1:[^ ]*]] = %{{[^ ]*}}, %[[C2:[^ ]*]] = %{{[^ ]*}}, %[[C3:[^ ]*]] = %{{[^ ]*}}, %[[C4:[^ ]*]] = %{{[^ ]*}}, %[[C5:[^ ]*]] = %{{[^ ]*}}) ->
// CHECK-NEXT:      %[[B0:.*]] = vector.load %[[PACKED_B]][%[[K]], %[[ZERO]]] : memref<64x12xf32>, vector<4xf32>
// CHECK-NEXT:      %[[B1:.*]] = vector.load %[[PACKED_B]][%[[K]], %[[FOUR]]]
// CHECK-NEXT:      %[[B2:.*]] = vector.load %[[PACKED_B]][%[[K]], %[[EIGHT]]]
// CHECK-NEXT:      %[[KA:.*]] = arith.addi %{{.*}}, %[[K]] : index
// CHECK-NEXT:      %[[S0:.*]] = memref.load %[[PACKED_A]][%{{.*}}, %[[KA]], %[[ZERO]]]
// CHECK-NEXT:      %[[A0:.*]] = vector.broadcast %[[S0]] : f32 to vector<4xf32>
// CHECK-NEXT:      %[[R0:.*]] = vector.fma %[[A0]], %[[B0]], %[[C0]] : vector<4xf32>
// CHECK-NEXT:      %[[R1:.*]] = vector.fma %[[A0]], %[[B1]], %[[C1]]
// CHECK-NEXT:      %[[R2:.*]] = vector.fma %[[A0]], %[[B2]], %[[C2]]
// CHECK-NEXT:      %[[S1:.*]] = memref.load %[[PACKED_A]][%{{.*}}, %[[KA]], %[[ONE]]]
// CHECK-NEXT:      %[[A1:.*]] = vector.broadcast %[[S1]]
// CHECK-NEXT:      %[[R3:.*]] = vector.fma %[[A1]], %[[B0]], %[[C3]]
// CHECK-NEXT:      %[[R4:.*]] = vector.fma %[[A1]], %[[B1]], %[[C4]]
// CHECK-NEXT:      %[[R5:.*]] = vector.fma %[[A1]], %[[B2]], %[[C5]]
// CHECK-NEXT:      scf.yield %[[R0]], %[[R1]], %[[R2]], %[[R3]], %[[R4]], %[[R5]]
// CHECK-LABEL: func.func private @slipstick_contraction_0(
// CHECK-DAG:     %[[MB:.*]] = arith.constant 8 : index
// CHECK-DAG:     %[[KB:.*]] = arith.constant 64 : index
// CHECK:         %[[BLOCK:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x64x2xf32>
// CHECK:         scf.for {{.*}} step %[[MB]]
// CHECK:           scf.for {{.*}} step %[[KB]]
// CHECK:             func.call @slipstick_contraction_0_panel(%[[BLOCK]],
// CHECK:         memref.dealloc %[[BLOCK]]
// Tiles of A are packed by all threads, panels of B run on all.
// PARALLEL-LABEL: func.func private @slipstick_contraction_0(
// PARALLEL:       scf.parallel
// PARALLEL:       scf.parallel
// PARALLEL:         func.call @slipstick_contraction_0_panel
func.func @exact(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 12], k_block = 64, m_block = 8, vector = 4}}
    ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// -----

// L-Mul under `finite`: operands are packed as bits, clamped, the offset folded into B; in the loop an integer addition,
// a bitcast and a sum take the place of each multiply.
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    memref<4x64x1xi32>
// CHECK-DAG:     %[[OFFSET:.*]] = arith.constant dense<1064304640> : vector<4xi32>
// CHECK-DAG:     memref.alloca() {{.*}} : memref<64x4xi32>
// CHECK:         arith.subi %{{.*}}, %[[OFFSET]] : vector<4xi32>
// CHECK:         scf.for {{.*}} iter_args(%[[C:.*]] = %{{.*}})
// CHECK-NEXT:      %[[B:.*]] = vector.load %{{.*}} : memref<64x4xi32>, vector<4xi32>
// CHECK-NEXT:      arith.addi
// CHECK-NEXT:      %[[S:.*]] = memref.load
// CHECK-NEXT:      %[[A:.*]] = vector.broadcast %[[S]] : i32 to vector<4xi32>
// CHECK-NEXT:      %[[SUM:.*]] = arith.addi %[[A]], %[[B]] : vector<4xi32>
// CHECK-NEXT:      %[[P:.*]] = arith.bitcast %[[SUM]] : vector<4xi32> to vector<4xf32>
// CHECK-NEXT:      %[[R:.*]] = arith.addf %[[P]], %[[C]] : vector<4xf32>
// CHECK-NEXT:      scf.yield %[[R]]
// CHECK-NOT:     vector.fma
// CHECK-NOT:     arith.mulf
func.func @finite(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4},
                 slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  return
}

// -----

// L-Mul under `ieee`: the multiply-add carries the mark, for the pass `lmul` to expand.
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    memref<4x64x1xf32>
// CHECK:         vector.fma {{.*}} {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}} : vector<4xf32>
func.func @ieee(%a: memref<8x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4},
                 slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "ieee"}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%c : memref<8x8xf32>)
  return
}

// -----

// One kernel for each decision and operands as they lie; a batch is a loop; a transposed operand is a view.
// CHECK-LABEL: func.func @shared
// CHECK:         call @slipstick_contraction_0(
// CHECK:         call @slipstick_contraction_1(
// CHECK:         call @slipstick_contraction_2(
// CHECK:         call @slipstick_contraction_0(
// CHECK:         scf.for %[[I:.*]] =
// CHECK:           memref.subview %{{.*}}[%[[I]], 0, 0] [1, 8, 8] [1, 1, 1]
// CHECK:           func.call @slipstick_contraction_3(
// CHECK:         memref.transpose %{{.*}} (d0, d1) -> (d1, d0)
// CHECK:         call @slipstick_contraction_4(
// Left alone: no decision.
// CHECK:         linalg.matmul ins
func.func @shared(%a: memref<8x8xf32>, %d: memref<?x?xf32>, %b: memref<3x8x8xf32>, %e: memref<8x8xf64>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%d, %d : memref<?x?xf32>, memref<?x?xf32>) outs(%d : memref<?x?xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%e, %e : memref<8x8xf64>, memref<8x8xf64>) outs(%e : memref<8x8xf64>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  linalg.batch_matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%b, %b : memref<3x8x8xf32>, memref<3x8x8xf32>) outs(%b : memref<3x8x8xf32>)
  linalg.matmul indexing_maps = [
      affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  linalg.matmul ins(%a, %a : memref<8x8xf32>, memref<8x8xf32>) outs(%a : memref<8x8xf32>)
  return
}

// -----

// A result whose rows are not contiguous is accumulated in a copy.
// CHECK-LABEL: func.func @columns
// CHECK-SAME:    %[[C:[^ ]*]]: memref<?x8xf32, strided<[1, ?]>>
// CHECK:         %[[COPY:.*]] = memref.alloc(%{{.*}}) : memref<?x8xf32>
// CHECK:         linalg.copy {{.*}}ins(%[[C]] : {{.*}}) outs(%[[COPY]] :
// CHECK:         %[[CAST:.*]] = memref.cast %[[COPY]]
// CHECK:         call @slipstick_contraction_0(%{{.*}}, %{{.*}}, %[[CAST]])
// CHECK:         linalg.copy {{.*}}ins(%[[COPY]] : {{.*}}) outs(%[[C]] :
// CHECK:         memref.dealloc %[[COPY]]
func.func @columns(%c: memref<?x8xf32, strided<[1, ?]>>, %a: memref<?x8xf32>, %b: memref<8x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [1, 4], k_block = 64, m_block = 4, vector = 4}}
    ins(%a, %b : memref<?x8xf32>, memref<8x8xf32>) outs(%c : memref<?x8xf32, strided<[1, ?]>>)
  return
}

// -----

// Weights packed ahead are read in place, four steps of k a turn; a line of the next block is prefetched in each.
// C is not filled with zeros first: the accumulators of the first block begin with zeros.
// CHECK-LABEL: func.func @panels
// CHECK-NOT:     linalg.fill
// CHECK-NOT:     linalg.generic
// CHECK:         %[[PANELS:.*]] = memref.cast %{{.*}} : memref<3x64x8xf32> to memref<?x?x8xf32>
// CHECK:         call @slipstick_contraction_0(%{{.*}}, %[[PANELS]], %{{.*}})
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %{{.*}}: memref<4x64x2xf32>, %[[B:.*]]: memref<?x?x8xf32>,
// CHECK-NOT:     memref.alloca
// CHECK:         scf.if
// CHECK:         vector.maskedload
// CHECK:         scf.for {{.*}} iter_args
// CHECK:           memref.prefetch {{.*}} locality<2>
// CHECK-NOT:       memref.prefetch
// CHECK-COUNT-8:   vector.load %[[B]]
// CHECK:         vector.maskedstore
func.func @panels(%a: memref<5x64xf32>, %b: memref<3x64x8xf32>) -> memref<5x20xf32> {
  %zero = arith.constant 0.0 : f32
  %w = memref.alloc() : memref<20x64xf32>
  linalg.generic {indexing_maps = [affine_map<(n, k) -> (n floordiv 8, k, n mod 8)>, affine_map<(n, k) -> (n, k)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<3x64x8xf32>) outs(%w : memref<20x64xf32>) attrs = {slipstick.weights = "panels"} {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  %c = memref.alloc() : memref<5x20xf32>
  linalg.fill ins(%zero : f32) outs(%c : memref<5x20xf32>)
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 64, m_block = 8, vector = 4, k_unroll = 4, prefetch = 1}}
    ins(%a, %w : memref<5x64xf32>, memref<20x64xf32>) outs(%c : memref<5x20xf32>)
  memref.dealloc %w : memref<20x64xf32>
  return %c : memref<5x20xf32>
}

// -----

// A row tile that is alone prefetches all the lines of the next block, two in a turn here, and asks again, near, for
// those that it reads itself: 256 rows of 8 ahead, but inside the panels. Behind the first block of the depth, where C
// is read, each row of the next tile of it is prefetched, too.
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %{{.*}}: memref<1x64x2xf32>, %[[B:.*]]: memref<?x?x8xf32>, %[[C:.*]]: memref<?x?xf32, strided<[?, 1], offset: ?>>,
// CHECK:         scf.for %[[DEPTH:.*]] =
// CHECK:         %[[FLAT:.*]] = memref.reinterpret_cast %[[B]]
// CHECK:         %[[LATER:.*]] = arith.cmpi ne, %[[DEPTH]], %c0
// CHECK:         scf.if %[[LATER]]
// CHECK-COUNT-2:   memref.prefetch %[[C]][{{.*}}], read, locality<3>, data
// CHECK:         }
// CHECK:         scf.for %[[K:.*]] = {{.*}} iter_args
// CHECK:           %[[AHEAD:.*]] = arith.addi %[[K]], %c256
// CHECK:           %[[ELEMENTS:.*]] = arith.muli %[[AHEAD]], %c8
// CHECK:           %[[PLACE:.*]] = arith.addi %{{.*}}, %[[ELEMENTS]]
// CHECK:           %[[NEAR:.*]] = arith.minsi %[[PLACE]], %{{.*}}
// CHECK:           memref.prefetch %[[FLAT]][%{{.*}}], read, locality<2>, data
// CHECK:           memref.prefetch %[[FLAT]][%[[NEAR]]], read, locality<3>, data
// CHECK-COUNT-2:   vector.load %[[B]]
// CHECK:           memref.prefetch %[[FLAT]][%{{.*}}], read, locality<2>, data
// CHECK:           %[[SECOND:.*]] = arith.addi %[[NEAR]], %c16
// CHECK:           memref.prefetch %[[FLAT]][%[[SECOND]]], read, locality<3>, data
// CHECK-NOT:       memref.prefetch
// CHECK-COUNT-6:   vector.load %[[B]]
func.func @one_row_tile(%a: memref<2x64xf32>, %b: memref<3x64x8xf32>) -> memref<2x20xf32> {
  %zero = arith.constant 0.0 : f32
  %w = memref.alloc() : memref<20x64xf32>
  linalg.generic {indexing_maps = [affine_map<(n, k) -> (n floordiv 8, k, n mod 8)>, affine_map<(n, k) -> (n, k)>],
                  iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<3x64x8xf32>) outs(%w : memref<20x64xf32>) attrs = {slipstick.weights = "panels"} {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  }
  %c = memref.alloc() : memref<2x20xf32>
  linalg.fill ins(%zero : f32) outs(%c : memref<2x20xf32>)
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 64, m_block = 2, vector = 4, k_unroll = 4, prefetch = 2}}
    ins(%a, %w : memref<2x64xf32>, memref<20x64xf32>) outs(%c : memref<2x20xf32>)
  memref.dealloc %w : memref<20x64xf32>
  return %c : memref<2x20xf32>
}

// -----

// A is not packed: the kernel takes the matrix, its rows as far apart as they are, and reads a column of it in each step.
// In a ragged tile the first row stands for each that is missing. Another stride, another kernel.
// CHECK-LABEL: func.func @in_place
// CHECK:         %[[A:.*]] = memref.cast %{{.*}} : memref<5x64xf32> to memref<?x?xf32, strided<[64, 1], offset: ?>>
// CHECK:         call @slipstick_contraction_0(%[[A]],
// CHECK:         call @slipstick_contraction_1({{.*}} : (memref<?x?xf32, strided<[96, 1], offset: ?>>,
// CHECK-LABEL: func.func private @slipstick_contraction_0_panel
// CHECK-SAME:    %[[ROWS:.*]]: memref<?x?xf32, strided<[64, 1], offset: ?>>,
// CHECK:         vector.maskedload
// CHECK:         scf.if
// CHECK:           scf.for
// CHECK-COUNT-4:     memref.load %[[ROWS]]
// CHECK:         } else {
// CHECK:           arith.select
// CHECK:           scf.for
// CHECK-COUNT-2:     memref.load %[[ROWS]]
// CHECK-NOT:         memref.load
// CHECK:           scf.yield
// CHECK-LABEL: func.func private @slipstick_contraction_0(
// CHECK-NOT:     memref.alloc
// CHECK:         func.call @slipstick_contraction_0_panel
// CHECK:         return
func.func @in_place(%a: memref<5x64xf32>, %w: memref<5x64xf32, strided<[96, 1]>>, %b: memref<64x8xf32>, %c: memref<5x8xf32>) {
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 64, m_block = 8, vector = 4, k_unroll = 2, pack_left = false}}
    ins(%a, %b : memref<5x64xf32>, memref<64x8xf32>) outs(%c : memref<5x8xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 64, m_block = 8, vector = 4, k_unroll = 2, pack_left = false}}
    ins(%w, %b : memref<5x64xf32, strided<[96, 1]>>, memref<64x8xf32>) outs(%c : memref<5x8xf32>)
  return
}

// -----

// Rows that are not contiguous are copied to be read in place.
// CHECK-LABEL: func.func @transposed_left
// CHECK:         %[[COPY:.*]] = memref.alloc() : memref<5x64xf32>
// CHECK:         linalg.copy {{.*}}outs(%[[COPY]] :
// CHECK:         %[[CAST:.*]] = memref.cast %[[COPY]] : memref<5x64xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:         call @slipstick_contraction_0(%[[CAST]],
// CHECK:         memref.dealloc %[[COPY]]
func.func @transposed_left(%a: memref<64x5xf32>, %b: memref<64x8xf32>, %c: memref<5x8xf32>) {
  linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>]
    {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 64, m_block = 8, vector = 4, pack_left = false}}
    ins(%a, %b : memref<64x5xf32>, memref<64x8xf32>) outs(%c : memref<5x8xf32>)
  return
}

// -----

// What a private function writes its result into is overwritten, too: it is not filled before. Of a public one, other
// operands may be the same memory.
// CHECK-LABEL: func.func private @layer
// CHECK-NOT:     linalg.fill
// CHECK:         call @slipstick_contraction_0(
// CHECK-LABEL: func.func @entry
// CHECK:         linalg.fill
// CHECK:         call @slipstick_contraction_1(
func.func private @layer(%a: memref<8x64xf32>, %b: memref<64x12xf32>, %c: memref<8x12xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<8x12xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 12], k_block = 64, m_block = 8, vector = 4}}
    ins(%a, %b : memref<8x64xf32>, memref<64x12xf32>) outs(%c : memref<8x12xf32>)
  return
}

func.func @entry(%a: memref<8x64xf32>, %b: memref<64x12xf32>, %c: memref<8x12xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%c : memref<8x12xf32>)
  linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 12], k_block = 64, m_block = 8, vector = 4}}
    ins(%a, %b : memref<8x64xf32>, memref<64x12xf32>) outs(%c : memref<8x12xf32>)
  return
}
