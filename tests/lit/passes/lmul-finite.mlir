// Under the policy `finite` a product is one integer addition; what prepares an operand can be hoisted or packed.
// RUN: slipstick-opt %s --lmul=specials=finite --canonicalize --split-input-file | filecheck %s

// CHECK-LABEL: func.func @scalar
// CHECK-SAME:    (%[[X:.*]]: f32, %[[Y:.*]]: f32)
// CHECK-DAG:     %[[OFFSET:.*]] = arith.constant 1064304640 : i32
// CHECK-DAG:     %[[SIGN:.*]] = arith.constant -2147483648 : i32
// CHECK-DAG:     %[[HIGH:.*]] = arith.constant 1568669696 : i32
// CHECK-DAG:     %[[LOW:.*]] = arith.constant 562036736 : i32
// CHECK-DAG:     %[[KEPT:.*]] = arith.constant 2146959360 : i32
// CHECK:         %[[XB:.*]] = arith.bitcast %[[X]] : f32 to i32
// CHECK-NEXT:    %[[X1:.*]] = arith.andi %[[XB]], %[[KEPT]] : i32
// CHECK-NEXT:    %[[X2:.*]] = arith.maxsi %[[X1]], %[[LOW]] : i32
// CHECK-NEXT:    %[[X3:.*]] = arith.minsi %[[X2]], %[[HIGH]] : i32
// CHECK-NEXT:    %[[XS:.*]] = arith.andi %[[XB]], %[[SIGN]] : i32
// CHECK-NEXT:    %[[X4:.*]] = arith.ori %[[X3]], %[[XS]] : i32
// CHECK-NEXT:    %[[YB:.*]] = arith.bitcast %[[Y]] : f32 to i32
// CHECK:         %[[Y4:.*]] = arith.ori
// CHECK-NEXT:    %[[Y5:.*]] = arith.subi %[[Y4]], %[[OFFSET]] : i32
// CHECK-NEXT:    %[[R:.*]] = arith.addi %[[X4]], %[[Y5]] : i32
// CHECK-NEXT:    %[[F:.*]] = arith.bitcast %[[R]] : i32 to f32
// CHECK-NEXT:    return %[[F]] : f32
func.func @scalar(%x: f32, %y: f32) -> f32 {
  %0 = arith.mulf %x, %y : f32
  return %0 : f32
}

// -----

// (x * 0.125) * y: the first product is within the clamp of the second by bounds of x, which is cut once.

// CHECK-LABEL: func.func @chain
// CHECK-SAME:    (%[[X:.*]]: f32, %[[Y:.*]]: f32)
// CHECK-DAG:     %[[LOW:.*]] = arith.constant 586153984 : i32
// CHECK-DAG:     %[[HIGH:.*]] = arith.constant 1568669696 : i32
// CHECK:         %[[X1:.*]] = arith.andi %{{.*}}, %{{.*}} : i32
// CHECK:         %[[X2:.*]] = arith.maxsi %[[X1]], %[[LOW]] : i32
// CHECK:         %[[X3:.*]] = arith.minsi %[[X2]], %[[HIGH]] : i32
// CHECK:         arith.ori %[[X3]]
// CHECK-COUNT-1: arith.maxsi
// CHECK-NOT:     arith.maxsi
// CHECK:         return
func.func @chain(%x: f32, %y: f32) -> f32 {
  %c = arith.constant 0.125 : f32
  %0 = arith.mulf %x, %c : f32
  %1 = arith.mulf %0, %y : f32
  return %1 : f32
}

// -----

// No sign where there can be none: of a magnitude, of 1 + tanh x, of a square.

// CHECK-LABEL: func.func @no_sign
// CHECK-NOT:     arith.ori
// CHECK:         return
func.func @no_sign(%x: f32) -> (f32, f32) {
  %one = arith.constant 1.0 : f32
  %a = math.absf %x : f32
  %t = math.tanh %x : f32
  %s = arith.addf %t, %one : f32
  %0 = arith.mulf %a, %s : f32
  %1 = arith.mulf %x, %x : f32
  return %0, %1 : f32, f32
}
