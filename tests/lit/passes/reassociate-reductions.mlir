// Sums and products that accumulate may be taken in vector order; nothing else may.
// RUN: slipstick-opt %s --reassociate-reductions | filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @sum
// CHECK:         %[[V:.*]] = arith.addf %[[X:.*]], %[[X]] : f32
// CHECK:         arith.addf %[[V]], %{{.*}} fastmath<reassoc> : f32
// CHECK:         arith.mulf %{{.*}}, %{{.*}} fastmath<reassoc> : f32
func.func @sum(%x: tensor<4x8xf32>, %s: tensor<4xf32>, %p: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0:2 = linalg.generic {indexing_maps = [#id, #col, #col], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%s, %p : tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: f32, %sum: f32, %product: f32):
    %t = arith.addf %a, %a : f32
    %u = arith.addf %t, %sum : f32
    %v = arith.mulf %product, %a : f32
    linalg.yield %u, %v : f32, f32
  } -> (tensor<4xf32>, tensor<4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// No reduction, integers, a maximum, a sum that is changed before it is kept.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     fastmath
func.func @others(%x: tensor<4x8xf32>, %i: tensor<4x8xi32>, %s: tensor<4xf32>, %n: tensor<4xi32>) {
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.addf %a, %o : f32
    linalg.yield %t : f32
  } -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col], iterator_types = ["parallel", "reduction"]}
    ins(%i : tensor<4x8xi32>) outs(%n : tensor<4xi32>) {
  ^bb0(%a: i32, %o: i32):
    %t = arith.addi %a, %o : i32
    linalg.yield %t : i32
  } -> tensor<4xi32>
  %2 = linalg.generic {indexing_maps = [#id, #col], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.maximumf %a, %o : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %3 = linalg.generic {indexing_maps = [#id, #col], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %t = arith.addf %a, %o : f32
    %u = math.sqrt %t : f32
    linalg.yield %u : f32
  } -> tensor<4xf32>
  return
}
