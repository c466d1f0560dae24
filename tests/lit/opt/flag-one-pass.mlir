// One flag runs one pass.
// RUN: slipstick-opt %s --cse | filecheck %s
// RUN: slipstick-opt %s -cse | filecheck %s
// RUN: %mlir-opt %s --cse | filecheck %s

// CHECK-LABEL: func.func @square_twice
// CHECK:         %[[P:.*]] = arith.mulf
// CHECK-NEXT:    arith.addf %[[P]], %[[P]]
// CHECK-NOT:     arith.mulf
func.func @square_twice(%x: f32) -> f32 {
  %a = arith.mulf %x, %x : f32
  %b = arith.mulf %x, %x : f32
  %c = arith.addf %a, %b : f32
  return %c : f32
}
