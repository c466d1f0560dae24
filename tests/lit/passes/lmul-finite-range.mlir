// Under `finite` an operand is clamped unless its range is proved, which a remark says; what cannot be clamped is refused.
// RUN: slipstick-opt %s --lmul=specials=finite --split-input-file --verify-diagnostics -o %t
// RUN: filecheck %s --input-file %t

// A factor within [2^-60, 2^60] is only shortened; the other one is clamped.
// CHECK-LABEL: func.func @constant
// CHECK:         arith.maxsi
// CHECK:         arith.minsi
// CHECK-NOT:     arith.maxsi
// CHECK-NOT:     arith.minsi
// CHECK:         return
func.func @constant(%x: f32) -> f32 {
  %c = arith.constant 0.125 : f32
  // expected-remark @+1 {{'arith.mulf' under the policy 'finite': operand 1 is in [2^-3, 2^-3], not clamped}}
  %0 = arith.mulf %x, %c : f32
  return %0 : f32
}

// -----

// Zero is possible, infinity is not: one clamp each.
// CHECK-LABEL: func.func @bounded
// CHECK-COUNT-2: arith.maxsi
// CHECK-NOT:     arith.minsi
// CHECK:         return
func.func @bounded(%x: f32, %i: i32) -> f32 {
  %t = math.tanh %x : f32
  %f = arith.sitofp %i : i32 to f32
  // expected-remark @+1 {{operand 0 is at most 2^0, clamped from below only; operand 1 is at most 2^31, clamped from below only}}
  %0 = arith.mulf %t, %f : f32
  return %0 : f32
}

// -----

// Nothing is known of an argument, of a sum with one, or of a constant with a zero in it beyond its largest element.
// CHECK-LABEL: func.func @unknown
// CHECK-COUNT-2: arith.minsi
func.func @unknown(%x: vector<2xf32>) -> vector<2xf32> {
  %c = arith.constant dense<[0.0, 1.0e30]> : vector<2xf32>
  %s = arith.addf %x, %c : vector<2xf32>
  %0 = arith.mulf %s, %c : vector<2xf32>
  return %0 : vector<2xf32>
}

// -----

// Through the elements of a linalg operation.
// CHECK-LABEL: func.func @elements
// CHECK:         linalg.generic
// CHECK:         linalg.generic
// CHECK-COUNT-1: arith.minsi
#id = affine_map<(d0) -> (d0)>
func.func @elements(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %e = math.erf %in : f32
    linalg.yield %e : f32
  } -> tensor<4xf32>
  %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%s, %x : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    // expected-remark @+1 {{operand 0 is at most 2^0, clamped from below only}}
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

func.func @infinity(%x: f32) -> f32 {
  %c = arith.constant 0xFF800000 : f32
  // expected-error @+1 {{'arith.mulf': operand 1 is an infinity or a NaN, which the policy 'finite' cannot clamp: use specials=ieee, or leave it out of the scope}}
  %0 = arith.mulf %x, %c : f32
  return %0 : f32
}

// -----

func.func @masked(%x: f32, %keep: i1) -> f32 {
  %c = arith.constant 0xFF800000 : f32
  %s = arith.select %keep, %x, %c : f32
  // expected-error @+1 {{'arith.mulf': operand 0 is an infinity or a NaN}}
  %0 = arith.mulf %s, %x : f32
  return %0 : f32
}
