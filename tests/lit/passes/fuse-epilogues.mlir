// What reads a contraction's result element by element becomes one update of it, which its kernel does.
// RUN: slipstick-opt %s --fuse-epilogues --split-input-file | filecheck %s
// RUN: slipstick-opt %s --fuse-epilogues=register-cost=0 --split-input-file | filecheck %s --check-prefix=TILE

// Bias and ReLU in one, on the register tile; marks of L-Mul go to the multiplies.
// CHECK-DAG:   #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$COLUMN:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @linear
// CHECK-SAME:    %[[A:.*]]: tensor<?x4xf32>, %[[B:.*]]: tensor<4x8xf32>, %[[BIAS:.*]]: tensor<8xf32>, %[[START:.*]]: tensor<?x8xf32>)
// CHECK:         %[[C:.*]] = linalg.matmul {{.*}} ins(%[[A]], %[[B]] : {{.*}}) outs(%[[START]] :
// CHECK-NEXT:    %[[R:.*]] = linalg.generic {indexing_maps = [#[[$COLUMN]], #[[$ID]]], {{.*}}} ins(%[[BIAS]] : tensor<8xf32>) outs(%[[C]] : tensor<?x8xf32>) attrs =  {slipstick.epilogue = "registers", slipstick.layer = "second"} {
// CHECK-NEXT:    ^bb0(%[[IN:.*]]: f32, %[[SUM:.*]]: f32):
// CHECK-NEXT:      %[[V:.*]] = arith.addf %[[SUM]], %[[IN]] : f32
// CHECK-NEXT:      %[[S:.*]] = arith.mulf %[[V]], %[[V]] {slipstick.lmul = {}} : f32
// CHECK-NEXT:      %[[M:.*]] = arith.maximumf %[[S]], %{{.*}} : f32
// CHECK-NEXT:      linalg.yield %[[M]] : f32
// CHECK:         return %[[R]]
// TILE-LABEL:  func.func @linear
// TILE:          slipstick.epilogue = "tile"
#id = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @linear(%a: tensor<?x4xf32>, %b: tensor<4x8xf32>, %bias: tensor<8xf32>, %c: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<?x4xf32>, tensor<4x8xf32>) outs(%c : tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %bias : tensor<?x8xf32>, tensor<8xf32>) outs(%c : tensor<?x8xf32>) attrs = {slipstick.layer = "first"} {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %v = arith.addf %x, %y : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%1, %1 : tensor<?x8xf32>, tensor<?x8xf32>) outs(%c : tensor<?x8xf32>) attrs = {slipstick.layer = "second", slipstick.lmul = {}} {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.mulf %x, %y : f32
    %v = arith.maximumf %s, %zero : f32
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}

// -----

// Through reshapes: operands are collapsed to the dimensions of the result that they vary with, and an elementary
// function is done on the tile. The product moves behind what makes the residual.
// CHECK-LABEL: func.func @reshaped
// CHECK-SAME:    %[[A:.*]]: tensor<6x4xf32>, %[[B:.*]]: tensor<4x8xf32>, %[[BIAS:.*]]: tensor<1x1x8xf32>, %[[X:.*]]: tensor<2x3x8xf32>, %[[ROW:.*]]: tensor<2x3x1xf32>, %[[SCALE:.*]]: tensor<1x1x1xf32>)
// CHECK:         %[[RES:.*]] = linalg.exp
// CHECK:         %[[C:.*]] = linalg.matmul
// CHECK-DAG:     %[[BIAS1:.*]] = tensor.collapse_shape %[[BIAS]] {{\[}}[0, 1, 2]] : tensor<1x1x8xf32> into tensor<8xf32>
// CHECK-DAG:     %[[RES2:.*]] = tensor.collapse_shape %[[RES]] {{\[}}[0, 1], [2]] : tensor<2x3x8xf32> into tensor<6x8xf32>
// CHECK-DAG:     %[[ROW1:.*]] = tensor.collapse_shape %[[ROW]] {{\[}}[0, 1, 2]] : tensor<2x3x1xf32> into tensor<6xf32>
// CHECK-DAG:     %[[SCALE0:.*]] = tensor.collapse_shape %[[SCALE]] [] : tensor<1x1x1xf32> into tensor<f32>
// CHECK:         %[[E:.*]] = linalg.generic {{.*}} ins(%[[BIAS1]], %[[RES2]], %[[ROW1]], %[[SCALE0]] : tensor<8xf32>, tensor<6x8xf32>, tensor<6xf32>, tensor<f32>) outs(%[[C]] : tensor<6x8xf32>) attrs =  {slipstick.epilogue = "tile"} {
// CHECK:           math.erf
// CHECK:         %[[R:.*]] = tensor.expand_shape %[[E]] {{\[}}[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
// CHECK:         return %[[R]]
#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#bias = affine_map<(d0, d1, d2) -> (0, 0, d2)>
#row = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#scale = affine_map<(d0, d1, d2) -> (0, 0, 0)>
func.func @reshaped(%a: tensor<6x4xf32>, %b: tensor<4x8xf32>, %bias: tensor<1x1x8xf32>, %x: tensor<2x3x8xf32>, %row: tensor<2x3x1xf32>, %scale: tensor<1x1x1xf32>) -> tensor<2x3x8xf32> {
  %c = tensor.empty() : tensor<6x8xf32>
  %e = tensor.empty() : tensor<2x3x8xf32>
  %0 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %res = linalg.exp ins(%x : tensor<2x3x8xf32>) outs(%e : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #bias, #id, #row, #scale, #id], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%1, %bias, %res, %row, %scale : tensor<2x3x8xf32>, tensor<1x1x8xf32>, tensor<2x3x8xf32>, tensor<2x3x1xf32>, tensor<1x1x1xf32>) outs(%e : tensor<2x3x8xf32>) {
  ^bb0(%v: f32, %p: f32, %q: f32, %r: f32, %s: f32, %o: f32):
    %3 = arith.addf %v, %p : f32
    %4 = math.erf %3 : f32
    %5 = arith.addf %4, %q : f32
    %6 = arith.mulf %5, %r : f32
    %7 = arith.mulf %6, %s : f32
    linalg.yield %7 : f32
  } -> tensor<2x3x8xf32>
  return %2 : tensor<2x3x8xf32>
}

// -----

// A result with two readers stays as it is; its bias alone is fused where that has two.
// CHECK-LABEL: func.func @two_readers
// CHECK:         %[[C:.*]] = linalg.matmul
// CHECK:         %[[E:.*]] = linalg.generic {{.*}} outs(%[[C]] : tensor<6x8xf32>) attrs =  {slipstick.epilogue = "registers"}
// CHECK-NOT:     slipstick.epilogue
// CHECK:         %[[N:.*]] = linalg.generic {{.*}} ins(%[[E]] : tensor<6x8xf32>)
// CHECK:         %[[D:.*]] = linalg.matmul
// CHECK-NOT:     slipstick.epilogue
// CHECK:         return %[[E]], %[[N]], %[[D]], %{{.*}}
#id = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>
func.func @two_readers(%a: tensor<6x4xf32>, %b: tensor<4x8xf32>, %bias: tensor<8xf32>, %c: tensor<6x8xf32>) -> (tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>) {
  %0 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %bias : tensor<6x8xf32>, tensor<8xf32>) outs(%c : tensor<6x8xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %v = arith.addf %x, %y : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%1 : tensor<6x8xf32>) outs(%c : tensor<6x8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %v = arith.negf %x : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  %3 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %4 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%3 : tensor<6x8xf32>) outs(%c : tensor<6x8xf32>) {
  ^bb0(%x: f32, %o: f32):
    %v = arith.negf %x : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  return %1, %2, %3, %4 : tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>
}

// -----

// Left alone: a product without a decision, one of unknown depth, a reader that goes by columns, one of another type,
// one with an operand that varies with half of the rows' loops.
// CHECK-LABEL: func.func @left_alone
// CHECK-NOT:     slipstick.epilogue
#id = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#inner = affine_map<(d0, d1, d2) -> (d1, d2)>
func.func @left_alone(%a: tensor<6x4xf32>, %b: tensor<4x8xf32>, %d: tensor<6x?xf32>, %e: tensor<?x8xf32>, %c: tensor<6x8xf32>, %t: tensor<8x6xf32>, %h: tensor<6x8xi1>, %x: tensor<2x3x8xf32>, %y: tensor<3x8xf32>)
    -> (tensor<6x8xf32>, tensor<6x8xf32>, tensor<8x6xf32>, tensor<6x8xi1>, tensor<2x3x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %0 = linalg.matmul ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<6x8xf32>) outs(%c : tensor<6x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %v = arith.negf %p : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  %2 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%d, %e : tensor<6x?xf32>, tensor<?x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%2 : tensor<6x8xf32>) outs(%c : tensor<6x8xf32>) {
  ^bb0(%p: f32, %o: f32):
    %v = arith.negf %p : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  %4 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %5 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]} ins(%4 : tensor<6x8xf32>) outs(%t : tensor<8x6xf32>) {
  ^bb0(%p: f32, %o: f32):
    %v = arith.negf %p : f32
    linalg.yield %v : f32
  } -> tensor<8x6xf32>
  %6 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<6x8xf32>) outs(%h : tensor<6x8xi1>) {
  ^bb0(%p: f32, %o: i1):
    %v = arith.cmpf ogt, %p, %zero : f32
    linalg.yield %v : i1
  } -> tensor<6x8xi1>
  %8 = linalg.matmul {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
    ins(%a, %b : tensor<6x4xf32>, tensor<4x8xf32>) outs(%c : tensor<6x8xf32>) -> tensor<6x8xf32>
  %9 = tensor.expand_shape %8 [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %10 = linalg.generic {indexing_maps = [#id3, #inner, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9, %y : tensor<2x3x8xf32>, tensor<3x8xf32>) outs(%x : tensor<2x3x8xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %v = arith.addf %p, %q : f32
    linalg.yield %v : f32
  } -> tensor<2x3x8xf32>
  return %1, %3, %5, %7, %10 : tensor<6x8xf32>, tensor<6x8xf32>, tensor<8x6xf32>, tensor<6x8xi1>, tensor<2x3x8xf32>
}
