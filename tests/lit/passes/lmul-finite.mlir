// Under the policy `finite` a product is one integer addition; what prepares an operand can be hoisted or packed.
// RUN: slipstick-opt %s --lmul=specials=finite --canonicalize | filecheck %s

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
