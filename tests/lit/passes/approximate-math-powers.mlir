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

// CHECK-LABEL: func.func @left_alone
// CHECK:         math.powf
// CHECK:         math.powf
// CHECK:         math.powf
func.func @left_alone(%x: f32, %y: f32, %z: vector<2xf32>) -> (f32, f32, vector<2xf32>) {
  %c = arith.constant 2.5 : f32
  %cs = arith.constant dense<[2.0, 3.0]> : vector<2xf32>
  %0 = math.powf %x, %c : f32
  %1 = math.powf %x, %y : f32
  %2 = math.powf %z, %cs : vector<2xf32>
  return %0, %1, %2 : f32, f32, vector<2xf32>
}
