// RUN: slipstick-opt %s --fuse-attention --canonicalize --cse | filecheck %s

#id = affine_map<(b, t, s) -> (b, t, s)>
#row = affine_map<(b, t, s) -> (b, t)>

// The head's index along the result, and Q, K and V as they lie before their transposes.
// CHECK-LABEL: func.func @scaled(
// CHECK-SAME:    %[[Q:.*]]: tensor<5x4x16xf32>, %[[K:.*]]: tensor<7x4x16xf32>, %[[V:.*]]: tensor<7x4x8xf32>
// CHECK:         scf.forall (%[[H:.*]]) in (4) shared_outs(%[[OUT:.*]] = %{{.*}}) -> (tensor<5x32xf32>)
// CHECK:           %[[AT:.*]] = arith.muli %[[H]], %c8
// CHECK:           tensor.extract_slice %[[OUT]][0, %[[AT]]] [5, 8] [1, 1]
// CHECK:           %[[QH:.*]] = tensor.extract_slice %[[Q]][0, %[[H]], 0] [5, 1, 16]
// CHECK:           %[[KH:.*]] = tensor.extract_slice %[[K]][0, %[[H]], 0] [7, 1, 16]
// CHECK:           linalg.matmul indexing_maps = [{{.*}}] ins(%[[QH]], %[[KH]] :
// CHECK:           arith.mulf
// CHECK-NEXT:      linalg.yield
// CHECK:           tensor.extract_slice %[[V]][0, %[[H]], 0] [7, 1, 8]
// CHECK:           tensor.parallel_insert_slice %{{.*}} into %[[OUT]][0, %[[AT]]] [5, 8] [1, 1]
// CHECK:         {slipstick.attention = {scale = 2.500000e-01 : f32}}
// CHECK-NOT:     batch_matmul
func.func @scaled(%q: tensor<5x4x16xf32>, %k: tensor<7x4x16xf32>, %v: tensor<7x4x8xf32>) -> tensor<5x32xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %scale = arith.constant 0.25 : f32
  %eq = tensor.empty() : tensor<4x5x16xf32>
  %ek = tensor.empty() : tensor<4x16x7xf32>
  %ev = tensor.empty() : tensor<4x7x8xf32>
  %es = tensor.empty() : tensor<4x5x7xf32>
  %er = tensor.empty() : tensor<4x5xf32>
  %eo = tensor.empty() : tensor<4x5x8xf32>
  %et = tensor.empty() : tensor<5x4x8xf32>
  %qt = linalg.transpose ins(%q : tensor<5x4x16xf32>) outs(%eq : tensor<4x5x16xf32>) permutation = [1, 0, 2]
  %kt = linalg.transpose ins(%k : tensor<7x4x16xf32>) outs(%ek : tensor<4x16x7xf32>) permutation = [1, 2, 0]
  %vt = linalg.transpose ins(%v : tensor<7x4x8xf32>) outs(%ev : tensor<4x7x8xf32>) permutation = [1, 0, 2]
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<4x5x7xf32>) -> tensor<4x5x7xf32>
  %s = linalg.batch_matmul ins(%qt, %kt : tensor<4x5x16xf32>, tensor<4x16x7xf32>) outs(%fs : tensor<4x5x7xf32>) -> tensor<4x5x7xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s : tensor<4x5x7xf32>) outs(%es : tensor<4x5x7xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %scale : f32
    linalg.yield %m : f32
  } -> tensor<4x5x7xf32>
  %fm = linalg.fill ins(%low : f32) outs(%er : tensor<4x5xf32>) -> tensor<4x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<4x5x7xf32>) outs(%fm : tensor<4x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %o : f32
    linalg.yield %m : f32
  } -> tensor<4x5xf32>
  %e = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %max : tensor<4x5x7xf32>, tensor<4x5xf32>) outs(%es : tensor<4x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %m = math.exp %d : f32
    linalg.yield %m : f32
  } -> tensor<4x5x7xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%er : tensor<4x5xf32>) -> tensor<4x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%e : tensor<4x5x7xf32>) outs(%f0 : tensor<4x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %a, %o : f32
    linalg.yield %m : f32
  } -> tensor<4x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %sum : tensor<4x5x7xf32>, tensor<4x5xf32>) outs(%es : tensor<4x5x7xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.divf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<4x5x7xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %r = linalg.batch_matmul ins(%p, %vt : tensor<4x5x7xf32>, tensor<4x7x8xf32>) outs(%fo : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %rt = linalg.transpose ins(%r : tensor<4x5x8xf32>) outs(%et : tensor<5x4x8xf32>) permutation = [1, 0, 2]
  %flat = tensor.collapse_shape %rt [[0], [1, 2]] : tensor<5x4x8xf32> into tensor<5x32xf32>
  return %flat : tensor<5x32xf32>
}

// Two products without a softmax between them stay.
// CHECK-LABEL: func.func @no_softmax
// CHECK-COUNT-2: linalg.batch_matmul
func.func @no_softmax(%q: tensor<4x5x16xf32>, %k: tensor<4x16x7xf32>, %v: tensor<4x7x8xf32>) -> tensor<4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %es = tensor.empty() : tensor<4x5x7xf32>
  %eo = tensor.empty() : tensor<4x5x8xf32>
  %fs = linalg.fill ins(%zero : f32) outs(%es : tensor<4x5x7xf32>) -> tensor<4x5x7xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<4x5x16xf32>, tensor<4x16x7xf32>) outs(%fs : tensor<4x5x7xf32>) -> tensor<4x5x7xf32>
  %fo = linalg.fill ins(%zero : f32) outs(%eo : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  %r = linalg.batch_matmul ins(%s, %v : tensor<4x5x7xf32>, tensor<4x7x8xf32>) outs(%fo : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return %r : tensor<4x5x8xf32>
}
