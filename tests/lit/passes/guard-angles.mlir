// The angle of two zeros is that of (1, 0) with their signs: MLIR would fold it to NaN.
// RUN: slipstick-opt %s --guard-angles | filecheck %s
// RUN: slipstick-opt %s --guard-angles --canonicalize | filecheck %s --check-prefix FOLDED

// CHECK-LABEL: func.func @angle
// CHECK:         %[[Y:.*]] = arith.cmpf oeq, %arg0, %{{.*}} : f32
// CHECK:         %[[X:.*]] = arith.cmpf oeq, %arg1, %{{.*}} : f32
// CHECK:         %[[BOTH:.*]] = arith.andi %[[Y]], %[[X]]
// CHECK:         %[[ONE:.*]] = math.copysign %{{.*}}, %arg1 : f32
// CHECK:         %[[BY:.*]] = arith.select %[[BOTH]], %[[ONE]], %arg1 : f32
// CHECK:         math.atan2 %arg0, %[[BY]] : f32
func.func @angle(%y: f32, %x: f32) -> f32 {
  %r = math.atan2 %y, %x : f32
  return %r : f32
}

// FOLDED-LABEL: func.func @zeros
// FOLDED-DAG:     %[[NONE:.*]] = arith.constant 0.000000e+00 : f32
// FOLDED-DAG:     %[[HALF:.*]] = arith.constant 3.14159
// FOLDED:         return %[[NONE]], %[[HALF]]
func.func @zeros() -> (f32, f32) {
  %zero = arith.constant 0.0 : f32
  %minus = arith.constant -0.0 : f32
  %a = math.atan2 %zero, %zero : f32
  %b = math.atan2 %zero, %minus : f32
  return %a, %b : f32, f32
}
