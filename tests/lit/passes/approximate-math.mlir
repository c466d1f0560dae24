// RUN: slipstick-opt %s --approximate-math --split-input-file | filecheck %s

// e^x = 2^n e^r: clamped, n rounded by a large addend, a polynomial of degree 6, two factors 2^(n/2).

// CHECK-LABEL: func.func @exp
// CHECK-SAME:      (%[[X:.*]]: f32)
// CHECK-NOT:     math.exp
// CHECK:         %[[LOW:.*]] = arith.constant -1.040000e+02 : f32
// CHECK:         arith.cmpf olt, %[[X]], %[[LOW]]
// CHECK:         %[[HIGH:.*]] = arith.constant 8.900000e+01 : f32
// CHECK:         arith.cmpf ogt, %{{.*}}, %[[HIGH]]
// CHECK:         %[[CLAMPED:.*]] = arith.select
// CHECK:         %[[N:.*]] = math.fma %[[CLAMPED]]
// CHECK-COUNT-8: math.fma
// CHECK:         arith.bitcast %[[N]] : f32 to i32
// CHECK:         arith.mulf
// CHECK:         %[[RESULT:.*]] = arith.mulf
// CHECK-NEXT:    return %[[RESULT]] : f32
func.func @exp(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// -----

// CHECK-LABEL: func.func @every_function
// CHECK-NOT:     math.{{cos|erf|exp|log|rsqrt|sin|tanh}}
// CHECK:         return
func.func @every_function(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  %1 = math.exp2 %0 : f32
  %2 = math.expm1 %1 : f32
  %3 = math.tanh %2 : f32
  %4 = math.erf %3 : f32
  %5 = math.erfc %4 : f32
  %6 = math.rsqrt %5 : f32
  %7 = math.log %6 : f32
  %8 = math.log2 %7 : f32
  %9 = math.log1p %8 : f32
  %10 = math.sin %9 : f32
  %11 = math.cos %10 : f32
  return %11 : f32
}

// -----

// Vectors, of fixed or scalable size, give vector operations.

// CHECK-LABEL: func.func @vectors
// CHECK-SAME:      (%[[X:.*]]: vector<4x8xf32>, %[[Y:.*]]: vector<[4]xf32>)
// CHECK:         %[[ROOT:.*]] = math.sqrt %[[X]] : vector<4x8xf32>
// CHECK:         %[[ONE:.*]] = arith.constant dense<1.000000e+00> : vector<4x8xf32>
// CHECK:         %[[R:.*]] = arith.divf %[[ONE]], %[[ROOT]] : vector<4x8xf32>
// CHECK-NOT:     math.exp2
// CHECK:         math.fma {{.*}} : vector<[4]xf32>
// CHECK:         arith.shrsi {{.*}} : vector<[4]xi32>
// CHECK:         return %[[R]]
func.func @vectors(%x: vector<4x8xf32>, %y: vector<[4]xf32>) -> (vector<4x8xf32>, vector<[4]xf32>) {
  %0 = math.rsqrt %x : vector<4x8xf32>
  %1 = math.exp2 %y : vector<[4]xf32>
  return %0, %1 : vector<4x8xf32>, vector<[4]xf32>
}

// -----

// f16 and bf16 are computed in f32.

// CHECK-LABEL: func.func @half
// CHECK:         %[[WIDE:.*]] = arith.extf %{{.*}} : vector<8xbf16> to vector<8xf32>
// CHECK:         math.absf %[[WIDE]] : vector<8xf32>
// CHECK:         arith.truncf %{{.*}} : vector<8xf32> to vector<8xbf16>
// CHECK:         arith.extf %{{.*}} : f16 to f32
// CHECK:         arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: vector<8xbf16>, %y: f16) -> (vector<8xbf16>, f16) {
  %0 = math.tanh %x : vector<8xbf16>
  %1 = math.rsqrt %y : f16
  return %0, %1 : vector<8xbf16>, f16
}

// -----

// f64 is left to libm, but for rsqrt; tensors are left to convert-elementwise-to-linalg.

// CHECK-LABEL: func.func @left_alone
// CHECK:         math.exp %{{.*}} : f64
// CHECK:         math.tanh %{{.*}} : tensor<4xf32>
// CHECK:         math.tan %{{.*}} : f32
// CHECK:         math.sqrt %{{.*}} : f64
// CHECK:         arith.divf %{{.*}} : f64
func.func @left_alone(%x: f64, %y: tensor<4xf32>, %z: f32) -> (f64, tensor<4xf32>, f32, f64) {
  %0 = math.exp %x : f64
  %1 = math.tanh %y : tensor<4xf32>
  %2 = math.tan %z : f32
  %3 = math.rsqrt %x : f64
  return %0, %1, %2, %3 : f64, tensor<4xf32>, f32, f64
}

// -----

// The body of a linalg.generic is rewritten where it is.

// CHECK-LABEL: func.func @body
// CHECK:         linalg.generic
// CHECK:         ^bb0(%[[IN:.*]]: f32, %{{.*}}: f32):
// CHECK-NOT:       math.rsqrt
// CHECK:           %[[ROOT:.*]] = math.sqrt %[[IN]] : f32
// CHECK:           %[[R:.*]] = arith.divf %{{.*}}, %[[ROOT]] : f32
// CHECK:           linalg.yield %[[R]] : f32
#map = affine_map<(i) -> (i)>
func.func @body(%x: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%out : tensor<?xf32>) {
  ^bb0(%in: f32, %unused: f32):
    %1 = math.rsqrt %in : f32
    linalg.yield %1 : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
