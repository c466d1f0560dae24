// A constant tensor that is one number everywhere is not read: the number stands in the body.
// RUN: slipstick-opt %s --inline-splats --split-input-file | filecheck %s

#id = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>

// CHECK-LABEL: func.func @choose
// CHECK-SAME:    %[[C:.*]]: tensor<8xi1>, %[[X:.*]]: tensor<8xf32>
// CHECK-DAG:     %[[FIVE:.*]] = arith.constant 5.000000e+00 : f32
// CHECK-DAG:     %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK:         linalg.generic {{.*}} ins(%[[C]], %[[X]] : tensor<8xi1>, tensor<8xf32>)
// CHECK-SAME:      slipstick.note = 3
// CHECK-NEXT:    ^bb0(%[[P:.*]]: i1, %[[A:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:      %[[S:.*]] = arith.select %[[P]], %[[FIVE]], %[[A]]
// CHECK-NEXT:      %[[R:.*]] = arith.addf %[[S]], %[[TWO]]
// CHECK-NEXT:      linalg.yield %[[R]]
func.func @choose(%c: tensor<8xi1>, %x: tensor<8xf32>) -> tensor<8xf32> {
  %five = arith.constant dense<5.0> : tensor<8xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id, #id, #none, #id], iterator_types = ["parallel"]}
    ins(%c, %five, %x, %two : tensor<8xi1>, tensor<8xf32>, tensor<8xf32>, tensor<f32>) outs(%e : tensor<8xf32>)
    attrs = {slipstick.note = 3 : i64} {
  ^bb0(%p: i1, %a: f32, %b: f32, %t: f32, %o: f32):
    %s = arith.select %p, %a, %b : f32
    %r = arith.addf %s, %t : f32
    linalg.yield %r : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// Of two numbers that are the only ones to tell how long the sum is, one tensor is left; other constants are read.
#in = affine_map<(d0) -> (d0)>
#out = affine_map<(d0) -> ()>

// CHECK-LABEL: func.func @sum
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<3.000000e+00> : tensor<4xf32>
// CHECK:         linalg.generic {{.*}} ins(%[[B]] : tensor<4xf32>)
// CHECK-LABEL: func.func @table
// CHECK:         %[[T:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK:         linalg.generic {{.*}} ins(%[[T]] : tensor<2xf32>)
func.func @sum(%start: tensor<f32>) -> tensor<f32> {
  %a = arith.constant dense<2.0> : tensor<4xf32>
  %b = arith.constant dense<3.0> : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#in, #in, #out], iterator_types = ["reduction"]}
    ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%start : tensor<f32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %m = arith.mulf %x, %y : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  return %0 : tensor<f32>
}

func.func @table(%e: tensor<2xf32>) -> tensor<2xf32> {
  %t = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#in, #in], iterator_types = ["parallel"]}
    ins(%t : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%x: f32, %o: f32):
    %s = arith.addf %x, %x : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
