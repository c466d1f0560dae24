// Arithmetic on whole tensors becomes linalg, and one operation, before anything else is done.
// RUN: slipstick-opt %s --stage-rewritten | filecheck %s

// CHECK:     func.func @main
// CHECK:       linalg.generic
// CHECK:         arith.addf %{{.*}} : f32
// CHECK-NEXT:    math.sin %{{.*}} : f32
// CHECK-NOT:   linalg.generic
func.func @main(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = arith.addf %a, %b : tensor<?x4xf32>
  %1 = math.sin %0 : tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
