// Divisors that x86 ends the process at are made 1; those that are known or of sizes stay.
// RUN: slipstick-opt %s --guard-divisions | filecheck %s

// CHECK-LABEL: func.func @signed
// CHECK:         %[[NONE:.*]] = arith.cmpi eq, %arg1, %{{.*}} : i32
// CHECK:         arith.andi
// CHECK:         %[[BAD:.*]] = arith.ori %[[NONE]]
// CHECK:         %[[BY:.*]] = arith.select %[[BAD]], %{{.*}}, %arg1 : i32
// CHECK:         arith.divsi %arg0, %[[BY]] : i32
func.func @signed(%x: i32, %y: i32) -> i32 {
  %r = arith.divsi %x, %y : i32
  return %r : i32
}

// CHECK-LABEL: func.func @vectors
// CHECK:         arith.constant dense<0> : vector<8xi16>
// CHECK:         %[[BY:.*]] = arith.select %{{.*}}, %{{.*}}, %arg1 : vector<8xi1>, vector<8xi16>
// CHECK:         arith.remui %arg0, %[[BY]] : vector<8xi16>
func.func @vectors(%x: vector<8xi16>, %y: vector<8xi16>) -> vector<8xi16> {
  %r = arith.remui %x, %y : vector<8xi16>
  return %r : vector<8xi16>
}

// CHECK-LABEL: func.func @known
// CHECK-NOT:     arith.select
func.func @known(%x: i32, %i: index, %j: index) -> (i32, index) {
  %three = arith.constant 3 : i32
  %r = arith.divsi %x, %three : i32
  %k = arith.divsi %i, %j : index
  return %r, %k : i32, index
}
