// Rows and element-wise operations get a decision; what is there already stays, and so do epilogues and sums alone.
// RUN: slipstick-opt %s --schedule-nests='vector-bits=512 vector-registers=32' | filecheck %s
// RUN: not slipstick-opt %s --schedule-nests=vector-bits=48 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: error: schedule-nests: vector-bits: expected a power of two from 64 to 4096, found 48

#i = affine_map<(d0, d1) -> (d0, d1)>
#r = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 4 : i64, kind = "nest", pair = false, straight = 16 : i64, vector_bits = 512 : i64}
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 1 : i64, kind = "nest", pair = false, straight = 0 : i64, vector_bits = 256 : i64}
// CHECK:         linalg.generic
// CHECK-NOT:     slipstick.decision
// CHECK:         linalg.yield
func.func @main(%x: tensor<4x64xf32>) -> (tensor<4x64xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4x64xf32>
  %s = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%0 : tensor<4x64xf32>) outs(%e : tensor<4x64xf32>)
    attrs = {slipstick.decision = {kind = "nest", interleave = 1 : i64, pair = false, straight = 0 : i64, vector_bits = 256 : i64}} {
  ^bb0(%a: f32, %o: f32):
    %n = math.absf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x64xf32>
  %2 = linalg.generic {indexing_maps = [#i, #r], iterator_types = ["parallel", "reduction"]}
    ins(%1 : tensor<4x64xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  return %1, %2 : tensor<4x64xf32>, tensor<4xf32>
}
