// Under the policy `ieee` zeros, subnormals, infinities and NaNs are told without branches.
// RUN: slipstick-opt %s --lmul --canonicalize | filecheck %s
// RUN: slipstick-opt %s --lmul=mantissa-bits=23 --canonicalize | filecheck %s --check-prefix=ALL-BITS
// RUN: slipstick-opt %s --lmul="rounding=rne mantissa-bits=3" --canonicalize | filecheck %s --check-prefix=RNE

// CHECK-LABEL: func.func @scalar
// CHECK-SAME:    (%[[X:.*]]: f32, %[[Y:.*]]: f32)
// CHECK-DAG:     %[[NAN:.*]] = arith.constant 2143289344 : i32
// CHECK-DAG:     %[[INF:.*]] = arith.constant 2139095040 : i32
// CHECK-DAG:     %[[KEPT:.*]] = arith.constant 2146959360 : i32
// CHECK-DAG:     %[[TURN:.*]] = arith.constant 8388607 : i32
// CHECK-DAG:     %[[MAGNITUDE:.*]] = arith.constant 2147483647 : i32
// CHECK:         %[[XB:.*]] = arith.bitcast %[[X]] : f32 to i32
// CHECK-NEXT:    %[[YB:.*]] = arith.bitcast %[[Y]] : f32 to i32
// CHECK-NEXT:    %[[X1:.*]] = arith.addi %[[XB]], %[[TURN]] : i32
// CHECK-NEXT:    %[[X2:.*]] = arith.andi %[[X1]], %[[MAGNITUDE]] : i32
// CHECK-NEXT:    %[[Y1:.*]] = arith.addi %[[YB]], %[[TURN]] : i32
// CHECK-NEXT:    %[[Y2:.*]] = arith.andi %[[Y1]], %[[MAGNITUDE]] : i32
// CHECK-NEXT:    %[[LESSER:.*]] = arith.minsi %[[X2]], %[[Y2]] : i32
// CHECK-NEXT:    %[[GREATER:.*]] = arith.maxsi %[[X2]], %[[Y2]] : i32
// CHECK:         %[[X3:.*]] = arith.andi %[[XB]], %[[KEPT]] : i32
// CHECK-NEXT:    %[[Y3:.*]] = arith.andi %[[YB]], %[[KEPT]] : i32
// CHECK-NEXT:    %[[SUM:.*]] = arith.addi %[[X3]], %[[Y3]] : i32
// CHECK-NEXT:    arith.minui %[[SUM]], {{.*}} : i32
// CHECK:         arith.select {{.*}}, %[[INF]], {{.*}} : i32
// CHECK-NEXT:    arith.xori %[[XB]], %[[YB]] : i32
// CHECK:         %[[R:.*]] = arith.select {{.*}}, %[[NAN]], {{.*}} : i32
// CHECK-NEXT:    %[[F:.*]] = arith.bitcast %[[R]] : i32 to f32
// CHECK-NEXT:    return %[[F]] : f32

// With all mantissa bits kept, the magnitudes that tell the special values are added too.
// ALL-BITS-LABEL: func.func @scalar
// ALL-BITS:         %[[X:.*]] = arith.andi {{.*}} : i32
// ALL-BITS:         %[[Y:.*]] = arith.andi {{.*}} : i32
// ALL-BITS:         arith.addi %[[X]], %[[Y]] : i32

// RNE-LABEL: func.func @scalar
// RNE-DAG:     %[[PLACE:.*]] = arith.constant 20 : i32
// RNE-DAG:     %[[HALF:.*]] = arith.constant 524287 : i32
// RNE:         %[[SHIFTED:.*]] = arith.shrui %[[B:.*]], %[[PLACE]] : i32
// RNE-NEXT:    %[[ODD:.*]] = arith.andi %[[SHIFTED]], {{.*}} : i32
// RNE-NEXT:    %[[UP:.*]] = arith.addi %[[B]], %[[HALF]] : i32
// RNE-NEXT:    arith.addi %[[UP]], %[[ODD]] : i32
func.func @scalar(%x: f32, %y: f32) -> f32 {
  %0 = arith.mulf %x, %y : f32
  return %0 : f32
}
