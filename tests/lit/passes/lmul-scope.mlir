// What belongs to which scope: marks show it.
// RUN: slipstick-opt %s --lmul-mark=scope=attention | filecheck %s --check-prefix=ATTENTION
// RUN: slipstick-opt %s --lmul-mark=scope=linear | filecheck %s --check-prefix=LINEAR
// RUN: slipstick-opt %s --lmul-mark=scope=elementwise | filecheck %s --check-prefix=ELEMENTWISE
// RUN: slipstick-opt %s --lmul=scope=attention --mlir-pass-statistics -o /dev/null 2>&1 | filecheck %s --check-prefix=COUNT

// COUNT: 2 multiplies rewritten

#copy = affine_map<(b, i, j) -> (i, j)>
#all = affine_map<(b, i, j) -> (b, i, j)>

// ATTENTION-LABEL: func.func @layer
// LINEAR-LABEL: func.func @layer
// ELEMENTWISE-LABEL: func.func @layer
func.func @layer(%x: tensor<2x8x16xf32>, %w: tensor<16x16xf32>, %s: f32) -> tensor<2x8x16xf32> {
  %e16 = tensor.empty() : tensor<2x8x16xf32>
  %e8 = tensor.empty() : tensor<2x8x8xf32>
  %wb = tensor.empty() : tensor<2x16x16xf32>
  %zero = arith.constant 0.0 : f32
  %z16 = linalg.fill ins(%zero : f32) outs(%e16 : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  %z8 = linalg.fill ins(%zero : f32) outs(%e8 : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>

  // A projection: the weight is an argument, seen through a transpose and a broadcast.
  // ATTENTION: linalg.batch_matmul ins
  // LINEAR: linalg.batch_matmul {slipstick.lmul =
  // ELEMENTWISE: linalg.batch_matmul ins
  %t = linalg.transpose ins(%w : tensor<16x16xf32>) outs(%w : tensor<16x16xf32>) permutation = [1, 0]
  %b = linalg.generic {indexing_maps = [#copy, #all], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%t : tensor<16x16xf32>) outs(%wb : tensor<2x16x16xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x16x16xf32>
  %q = linalg.batch_matmul ins(%x, %b : tensor<2x8x16xf32>, tensor<2x16x16xf32>) outs(%z16 : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>

  // Q K': both computed.
  // ATTENTION: linalg.batch_matmul
  // ATTENTION-SAME: slipstick.lmul =
  // LINEAR-NOT: slipstick.lmul
  %qk = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%q, %q : tensor<2x8x16xf32>, tensor<2x8x16xf32>) outs(%z8 : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>

  // The scale of the scores.
  // ATTENTION: linalg.generic
  // ATTENTION: arith.mulf %{{.*}}, %{{.*}} : f32
  // ELEMENTWISE: arith.mulf {{.*}} {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", scope = "elementwise", specials = "ieee"}} : f32
  %p = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%qk : tensor<2x8x8xf32>) outs(%e8 : tensor<2x8x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.mulf %in, %s : f32
    linalg.yield %m : f32
  } -> tensor<2x8x8xf32>

  // P V.
  // ATTENTION: linalg.batch_matmul {slipstick.lmul =
  // ELEMENTWISE-NOT: slipstick.lmul
  %pv = linalg.batch_matmul ins(%p, %q : tensor<2x8x8xf32>, tensor<2x8x16xf32>) outs(%z16 : tensor<2x8x16xf32>) -> tensor<2x8x16xf32>
  return %pv : tensor<2x8x16xf32>
}

// A constant is a parameter; what a loop's vectors come from cannot be told.
// LINEAR-LABEL: func.func @others
// LINEAR:         linalg.matmul {slipstick.lmul =
// LINEAR-NOT:     slipstick.lmul
// ELEMENTWISE-LABEL: func.func @others
// ELEMENTWISE:    linalg.matmul ins
// ELEMENTWISE:    vector.fma {{.*}} {slipstick.lmul =
func.func @others(%a: tensor<2x2xf32>, %v: vector<8xf32>) -> (tensor<2x2xf32>, vector<8xf32>) {
  %w = arith.constant dense<0.5> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %r = math.exp %a : tensor<2x2xf32>
  %0 = linalg.matmul ins(%r, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = vector.fma %v, %v, %v : vector<8xf32>
  return %0, %1 : tensor<2x2xf32>, vector<8xf32>
}
