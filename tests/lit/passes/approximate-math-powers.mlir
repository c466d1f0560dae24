// RUN: slipstick-opt %s --approximate-math --canonicalize | filecheck %s

// A constant exponent of RMSNorm's (2) or GELU's (3) kind is a few multiplications.

// CHECK-LABEL: func.func @square
// CHECK-SAME:      (%[[X:.*]]: vector<8xf32>)
// CHECK-NEXT:    %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]] : vector<8xf32>
// CHECK-NEXT:    return %[[SQUARE]]
func.func @square(%x: vector<8xf32>) -> vector<8xf32> {
  %two = arith.constant dense<2.0> : vector<8xf32>
  %0 = math.powf %x, %two : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @cube
// CHECK-SAME:      (%[[X:.*]]: f64)
// CHECK-NEXT:    %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]] : f64
// CHECK-NEXT:    %[[CUBE:.*]] = arith.mulf %[[SQUARE]], %[[X]] : f64
// CHECK-NEXT:    return %[[CUBE]]
func.func @cube(%x: f64) -> f64 {
  %three = arith.constant 3.0 : f64
  %0 = math.powf %x, %three : f64
  return %0 : f64
}

// As C's pow: +0 to the power 1/2 is +0 for -0 too, and -infinity gives infinity.

// CHECK-LABEL: func.func @root
// CHECK:         arith.cmpf oeq
// CHECK:         arith.addf
// CHECK:         math.sqrt
// CHECK:         arith.select
func.func @root(%x: f32) -> f32 {
  %half = arith.constant 0.5 : f32
  %0 = math.powf %x, %half : f32
  return %0 : f32
}

// Any other exponent: log2 and its product with the exponent in f64, 2 to what rounding leaves in f32.

// CHECK-LABEL: func.func @general
// CHECK-NOT:     math.powf
// CHECK:         math.fma {{.*}} : vector<2xf64>
// CHECK:         arith.mulf {{.*}} : vector<2xf64>
// CHECK:         arith.truncf %{{.*}} : vector<2xf64> to vector<2xf32>
// CHECK-NOT:     math.powf
func.func @general(%x: vector<2xf32>, %y: vector<2xf32>) -> vector<2xf32> {
  %0 = math.powf %x, %y : vector<2xf32>
  return %0 : vector<2xf32>
}

// CHECK-LABEL: func.func @left_alone
// CHECK:         math.powf
// CHECK:         math.fpowi
func.func @left_alone(%x: f64, %y: f64, %z: f32, %n: i32) -> (f64, f32) {
  %0 = math.powf %x, %y : f64
  %1 = math.fpowi %z, %n : f32, i32
  return %0, %1 : f64, f32
}
