// L-Mul through the stages: marked, packed or expanded in vectors, no floating-point multiply left.
// RUN: slipstick-opt %s --stage-rewritten='lmul=true specials=finite' -o %t.finite.mlir
// RUN: filecheck %s --check-prefix=MARKED --input-file %t.finite.mlir
// RUN: slipstick-opt %t.finite.mlir --stage-scheduled | slipstick-opt --stage-loops | filecheck %s --check-prefix=FINITE
// RUN: slipstick-opt %s --stage-rewritten='lmul=true mantissa-bits=3 rounding=rne' | slipstick-opt --stage-scheduled | slipstick-opt --stage-loops | filecheck %s --check-prefix=IEEE
// RUN: slipstick-opt %s --stage-rewritten='lmul=true scope=elementwise' | filecheck %s --check-prefix=SCOPE

// MARKED:      linalg.matmul {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", scope = "linear", specials = "finite"}}
// MARKED:      arith.mulf {{.*}} {slipstick.lmul =

// FINITE-NOT:  arith.mulf
// FINITE-NOT:  vector.fma
// FINITE-NOT:  slipstick.lmul
// FINITE:      arith.bitcast %{{.*}} : vector<8xi32> to vector<8xf32>
// FINITE-NEXT: arith.addf

// IEEE-NOT:    arith.mulf
// IEEE-NOT:    vector.fma
// IEEE-NOT:    slipstick.lmul
// IEEE:        arith.select {{.*}} : vector<8xi1>, vector<8xi32>

// SCOPE-NOT:   slipstick.lmul
// SCOPE:       linalg.matmul ins
// SCOPE:       arith.mulf {{.*}} {slipstick.lmul =
func.func @main(%a: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %p = linalg.matmul ins(%a, %a : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%p : tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %v : f32
    linalg.yield %m : f32
  } -> tensor<8x8xf32>
  return %r : tensor<8x8xf32>
}
