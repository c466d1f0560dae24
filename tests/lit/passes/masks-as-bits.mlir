// Masks whose count is known only at run time become bits; constant ones and those of odd lengths stay.
// RUN: slipstick-opt %s --masks-as-bits | filecheck %s

// CHECK-LABEL: func.func @lanes
// CHECK:         %[[LEAST:.*]] = arith.maxsi %arg0, %{{.*}} : index
// CHECK:         %[[ALL:.*]] = arith.constant 16 : index
// CHECK:         %[[COUNT:.*]] = arith.minsi %[[LEAST]], %[[ALL]] : index
// CHECK:         %[[WIDE:.*]] = arith.index_cast %[[COUNT]] : index to i64
// CHECK:         %[[BIT:.*]] = arith.shli %{{.*}}, %[[WIDE]] : i64
// CHECK:         %[[BITS:.*]] = arith.subi %[[BIT]], %{{.*}} : i64
// CHECK:         %[[WORD:.*]] = arith.trunci %[[BITS]] : i64 to i16
// CHECK:         %[[ONE:.*]] = vector.broadcast %[[WORD]] : i16 to vector<1xi16>
// CHECK:         vector.bitcast %[[ONE]] : vector<1xi16> to vector<16xi1>
func.func @lanes(%n: index) -> vector<16xi1> {
  %mask = vector.create_mask %n : vector<16xi1>
  return %mask : vector<16xi1>
}

// CHECK-LABEL: func.func @others
// CHECK-NOT:     vector.bitcast
func.func @others(%n: index) -> (vector<8xi1>, vector<6xi1>, vector<2x8xi1>) {
  %three = arith.constant 3 : index
  %known = vector.create_mask %three : vector<8xi1>
  %odd = vector.create_mask %n : vector<6xi1>
  %square = vector.create_mask %n, %n : vector<2x8xi1>
  return %known, %odd, %square : vector<8xi1>, vector<6xi1>, vector<2x8xi1>
}
