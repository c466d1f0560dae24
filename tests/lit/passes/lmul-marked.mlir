// Marked operations are rewritten as their marks say, the others not at all.
// RUN: slipstick-opt %s --lmul=scope=marked --canonicalize | filecheck %s
// RUN: slipstick-opt %s --lmul-mark=specials=finite --lmul=scope=marked | filecheck %s --check-prefix=AGAIN

// CHECK-LABEL: func.func @marked
// CHECK-NOT:     slipstick.lmul
// CHECK:         %[[EXACT:.*]] = arith.mulf
// CHECK:         arith.andi {{.*}} : i32
// CHECK-NOT:     arith.cmpi
// CHECK:         linalg.generic
// CHECK:           arith.cmpi
// AGAIN-NOT:   slipstick.lmul
// AGAIN-NOT:   arith.mulf
// AGAIN-NOT:   arith.cmpi
func.func @marked(%x: f32, %a: tensor<2x2xf32>) -> (f32, f32, tensor<2x2xf32>) {
  %0 = arith.mulf %x, %x : f32
  %1 = arith.mulf %x, %0 {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}} : f32
  %2 = linalg.matmul {slipstick.lmul = {mantissa_bits = 3 : i64, rounding = "rne", specials = "ieee"}}
    ins(%a, %a : tensor<2x2xf32>, tensor<2x2xf32>) outs(%a : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0, %1, %2 : f32, f32, tensor<2x2xf32>
}
