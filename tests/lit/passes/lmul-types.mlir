// Scalars, vectors and tensors of every float type that L-Mul knows; tensors of dynamic shape become a linalg.generic.
// RUN: slipstick-opt %s --lmul=specials=finite --canonicalize --cse | filecheck %s
// RUN: slipstick-opt %s --lmul=specials=finite | filecheck %s --check-prefix=LEFT

// LEFT-NOT: arith.mulf
// LEFT-NOT: .fma

// The offset is (bias << M) - (1 << (M - 3)) for k = 4.
// CHECK-LABEL: func.func @f16
// CHECK-DAG:     arith.constant 15232 : i16
// CHECK:         arith.bitcast {{.*}} : i16 to f16
func.func @f16(%x: f16, %y: f16) -> f16 {
  %0 = arith.mulf %x, %y : f16
  return %0 : f16
}

// CHECK-LABEL: func.func @bf16
// CHECK-DAG:     arith.constant dense<16240> : vector<8xi16>
// CHECK:         arith.bitcast {{.*}} : vector<8xi16> to vector<8xbf16>
func.func @bf16(%x: vector<8xbf16>, %y: vector<8xbf16>) -> vector<8xbf16> {
  %0 = arith.mulf %x, %y : vector<8xbf16>
  return %0 : vector<8xbf16>
}

// CHECK-LABEL: func.func @scalable
// CHECK-DAG:     arith.constant dense<1064304640> : vector<2x[4]xi32>
// CHECK:         arith.bitcast {{.*}} : vector<2x[4]xi32> to vector<2x[4]xf32>
func.func @scalable(%x: vector<2x[4]xf32>, %y: vector<2x[4]xf32>) -> vector<2x[4]xf32> {
  %0 = arith.mulf %x, %y : vector<2x[4]xf32>
  return %0 : vector<2x[4]xf32>
}

// CHECK-LABEL: func.func @tensor
// CHECK-DAG:     arith.constant dense<4606619468846596096> : tensor<3x5xi64>
// CHECK:         arith.bitcast {{.*}} : tensor<3x5xi64> to tensor<3x5xf64>
func.func @tensor(%x: tensor<3x5xf64>, %y: tensor<3x5xf64>) -> tensor<3x5xf64> {
  %0 = arith.mulf %x, %y : tensor<3x5xf64>
  return %0 : tensor<3x5xf64>
}

// CHECK-LABEL: func.func @dynamic
// CHECK-SAME:    (%[[X:.*]]: tensor<?x5xf32>, %[[Y:.*]]: tensor<?x5xf32>)
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]
// CHECK-SAME:      ins(%[[X]], %[[Y]] : tensor<?x5xf32>, tensor<?x5xf32>) outs(%[[X]] : tensor<?x5xf32>)
// CHECK:           arith.bitcast {{.*}} : i32 to f32
// CHECK-NEXT:      linalg.yield
func.func @dynamic(%x: tensor<?x5xf32>, %y: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %0 = arith.mulf %x, %y : tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}

// The sum of a fused multiply-add stays a float addition, with its flags; those of a multiply mean nothing to integers.
// CHECK-LABEL: func.func @fma
// CHECK:         %[[P:.*]] = arith.bitcast {{.*}} : i32 to f32
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[P]], %{{.*}} fastmath<nnan> : f32
func.func @fma(%x: f32, %y: f32, %z: f32) -> f32 {
  %0 = math.fma %x, %y, %z fastmath<nnan> : f32
  return %0 : f32
}

// CHECK-LABEL: func.func @vector_fma
// CHECK:         arith.addf {{.*}} : vector<8xf32>
func.func @vector_fma(%x: vector<8xf32>, %y: vector<8xf32>, %z: vector<8xf32>) -> vector<8xf32> {
  %0 = vector.fma %x, %y, %z : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @untouched
// CHECK-DAG:     arith.muli {{.*}} : index
// CHECK-DAG:     arith.divf {{.*}} : f32
// CHECK-DAG:     math.powf {{.*}} : f32
// CHECK-DAG:     math.exp {{.*}} : f32
func.func @untouched(%i: index, %x: f32) -> (index, f32, f32, f32) {
  %0 = arith.muli %i, %i : index
  %1 = arith.divf %x, %x : f32
  %2 = math.powf %x, %x : f32
  %3 = math.exp %x : f32
  return %0, %1, %2, %3 : index, f32, f32, f32
}
