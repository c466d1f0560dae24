// A decision by hand: what carries `slipstick.apart` is fused with nothing; the rest of a chain still is.
// RUN: slipstick-opt %s --fuse-elementwise | filecheck %s
// RUN: slipstick-opt %s --fuse-rows | filecheck %s --check-prefix=ROWS

#i = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL:   func.func @chain
// CHECK-COUNT-3: linalg.generic
// CHECK-NOT:     linalg.generic
// ROWS-LABEL:    func.func @chain
// ROWS-NOT:      scf.forall
// ROWS:          math.absf
// ROWS:          scf.forall
// ROWS:            arith.addf
// ROWS:            arith.mulf
func.func @chain(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %e = tensor.empty() : tensor<4x64xf32>
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%0 : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) attrs = {slipstick.apart} {
  ^bb0(%a: f32, %o: f32):
    %n = math.absf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %2 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%1 : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %3 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%2 : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.mulf %a, %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  return %3 : tensor<4x64xf32>
}
