// RUN: slipstick-opt %s --approximate-math=avx512 --split-input-file | filecheck %s

// Whole registers: the segment is found in the bits of the magnitude, the centre and six coefficients are looked up.

// CHECK-LABEL: func.func @tanh
// CHECK-SAME:      (%[[X:.*]]: vector<16xf32>)
// CHECK-NOT:     math.tanh
// CHECK:         %[[BITS:.*]] = arith.bitcast %{{.*}} : vector<16xf32> to vector<16xi32>
// CHECK:         %[[SEGMENT:.*]] = arith.shrui %[[BITS]], %{{.*}}
// CHECK-COUNT-7: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.ps.512"(%{{.*}}, %[[SEGMENT]], %{{.*}})
// CHECK-NOT:     llvm.call_intrinsic
// CHECK-COUNT-5: math.fma
// CHECK-NOT:     arith.divf
func.func @tanh(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.tanh %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// -----

// Longer vectors register by register; erf adds a slope of 1 apart.

// CHECK-LABEL: func.func @erf
// CHECK-COUNT-14: llvm.call_intrinsic "llvm.x86.avx512.vpermi2var.ps.512"
// CHECK-COUNT-4: math.fma
// CHECK:         %[[START:.*]] = arith.addf
// CHECK:         math.fma %{{.*}}, %{{.*}}, %[[START]]
func.func @erf(%x: vector<32xf32>) -> vector<32xf32> {
  %0 = math.erf %x : vector<32xf32>
  return %0 : vector<32xf32>
}

// -----

// Other shapes have no table: they are as they are without AVX-512.

// CHECK-LABEL: func.func @other_shapes
// CHECK-NOT:     llvm.call_intrinsic
// CHECK:         return
func.func @other_shapes(%x: f32, %y: vector<8xf32>) -> (f32, vector<8xf32>) {
  %0 = math.tanh %x : f32
  %1 = math.erf %y : vector<8xf32>
  return %0, %1 : f32, vector<8xf32>
}
