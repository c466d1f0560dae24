// Operations on the same rows come into one loop over rows.
// RUN: slipstick-opt %s --fuse-rows --canonicalize --cse | filecheck %s
// RUN: slipstick-opt %s --fuse-rows=max-length=7 | filecheck %s --check-prefix=SHORT

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>
#column = affine_map<(d0, d1) -> (d1)>
#one = affine_map<(d0) -> (d0)>
#across = affine_map<(d0, d1) -> (d1, d0)>

// A sum, and what divides by it; the sum stays inside.
// CHECK-LABEL: func.func @normalise
// CHECK:         %[[R:.*]] = scf.forall (%[[I:.*]]) in (4) shared_outs(%[[O:.*]] = %{{.*}}) -> (tensor<4x8xf32>) {
// CHECK:           %[[X:.*]] = tensor.extract_slice %{{.*}}[%[[I]], 0] [1, 8] [1, 1] : tensor<4x8xf32> to tensor<8xf32>
// CHECK:           %[[F:.*]] = linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : tensor<f32>)
// CHECK:           %[[S:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[X]] : tensor<8xf32>) outs(%[[F]] : tensor<f32>)
// CHECK:           %[[T:.*]] = tensor.extract_slice %[[O]][%[[I]], 0] [1, 8] [1, 1]
// CHECK:           %[[D:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[S]] : tensor<8xf32>, tensor<f32>) outs(%[[T]] : tensor<8xf32>)
// CHECK:             arith.divf {{.*}} {slipstick.lmul = {}}
// CHECK:           scf.forall.in_parallel {
// CHECK-NEXT:        tensor.parallel_insert_slice %[[D]] into %[[O]][%[[I]], 0] [1, 8] [1, 1]
// CHECK:         return %[[R]]
// SHORT-LABEL: func.func @normalise
// SHORT-NOT:     scf.forall
func.func @normalise(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x1xf32>) -> tensor<4x1xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%f : tensor<4x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4x1xf32>
  %g = tensor.empty() : tensor<4x8xf32>
  %d = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s : tensor<4x8xf32>, tensor<4x1xf32>) outs(%g : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.divf %a, %b {slipstick.lmul = {}} : f32
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  return %d : tensor<4x8xf32>
}

// Rows go through reshapes; a result that is read elsewhere too is written out.
// CHECK-LABEL: func.func @reshaped
// CHECK:         %[[R:.*]]:2 = scf.forall (%{{.*}}) in (6) shared_outs({{.*}}) -> (tensor<6x8xf32>, tensor<6xf32>)
// CHECK-DAG:     tensor.expand_shape %[[R]]#0 {{\[\[}}0, 1], [2]] output_shape [2, 3, 8]
// CHECK-DAG:     tensor.expand_shape %[[R]]#1 {{\[\[}}0, 1]] output_shape [2, 3]
func.func @reshaped(%x: tensor<6x8xf32>, %b: tensor<8xf32>) -> (tensor<2x3x8xf32>, tensor<2x3xf32>) {
  %zero = arith.constant 0.0 : f32
  %g = tensor.empty() : tensor<6x8xf32>
  %d = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x, %b : tensor<6x8xf32>, tensor<8xf32>) outs(%g : tensor<6x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.addf %a, %c : f32
    linalg.yield %v : f32
  } -> tensor<6x8xf32>
  %w = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 3, 8] : tensor<6x8xf32> into tensor<2x3x8xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3xf32>) -> tensor<2x3xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%w : tensor<2x3x8xf32>) outs(%f : tensor<2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<2x3xf32>
  return %w, %s : tensor<2x3x8xf32>, tensor<2x3xf32>
}

// The second operation needs a product of the first one's result: no loop can hold both.
// CHECK-LABEL: func.func @through_a_product
// CHECK-NOT:     scf.forall
func.func @through_a_product(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<8x8xf32>
  %1 = linalg.matmul ins(%0, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%1, %0 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}

// Read as columns, of unknown size, or started from what was there: left alone.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     scf.forall
func.func @others(%x: tensor<8x8xf32>, %y: tensor<?xf32>, %s: tensor<8x1xf32>) -> (tensor<8x8xf32>, tensor<?xf32>, tensor<8x1xf32>) {
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<8x8xf32>
  %1 = linalg.generic {indexing_maps = [#across, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0 : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<8x8xf32>
  %2 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
    ins(%y : tensor<?xf32>) outs(%y : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %3 = linalg.generic {indexing_maps = [#one, #one], iterator_types = ["parallel"]}
    ins(%2 : tensor<?xf32>) outs(%y : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %4 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%1 : tensor<8x8xf32>) outs(%s : tensor<8x1xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<8x1xf32>
  return %1, %3, %4 : tensor<8x8xf32>, tensor<?xf32>, tensor<8x1xf32>
}
