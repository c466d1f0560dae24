// The vector dialect's contractions: products over the iteration space; sums stay reductions.
// RUN: slipstick-opt %s --lmul=specials=finite --canonicalize | filecheck %s
// RUN: slipstick-opt %s --lmul=specials=finite | filecheck %s --check-prefix=LEFT

// LEFT-NOT: arith.mulf
// LEFT-NOT: reduction <mul>

// CHECK-LABEL: func.func @contract
// CHECK-SAME:    (%[[A:.*]]: vector<4x8xf32>, %[[B:.*]]: vector<8x2xf32>, %[[C:.*]]: vector<2x4xf32>)
// CHECK:         %[[A1:.*]] = vector.broadcast %[[A]] : vector<4x8xf32> to vector<2x4x8xf32>
// CHECK-NEXT:    vector.transpose %[[A1]], [1, 0, 2] : vector<2x4x8xf32> to vector<4x2x8xf32>
// CHECK:         %[[P:.*]] = arith.bitcast {{.*}} : vector<4x2x8xi32> to vector<4x2x8xf32>
// CHECK:         %[[R:.*]] = vector.multi_reduction <add>, %[[P]], {{.*}} [2] : vector<4x2x8xf32> to vector<4x2xf32>
// CHECK-NEXT:    vector.transpose %[[R]], [1, 0] : vector<4x2xf32> to vector<2x4xf32>
func.func @contract(%a: vector<4x8xf32>, %b: vector<8x2xf32>, %c: vector<2x4xf32>) -> vector<2x4xf32> {
  %0 = vector.contract {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (n, m)>],
                        iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>}
    %a, %b, %c : vector<4x8xf32>, vector<8x2xf32> into vector<2x4xf32>
  return %0 : vector<2x4xf32>
}

// CHECK-LABEL: func.func @widened
// CHECK:         arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:         arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
// CHECK:         vector.multi_reduction <add>, {{.*}} [0] : vector<8xf32> to f32
func.func @widened(%a: vector<8xf16>, %b: vector<8xf16>, %c: f32) -> f32 {
  %0 = vector.contract {indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>],
                        iterator_types = ["reduction"], kind = #vector.kind<add>}
    %a, %b, %c : vector<8xf16>, vector<8xf16> into f32
  return %0 : f32
}

// CHECK-LABEL: func.func @outer_product
// CHECK:         %[[P:.*]] = arith.bitcast {{.*}} : vector<4x[8]xi32> to vector<4x[8]xf32>
// CHECK-NEXT:    arith.addf %[[P]], {{.*}} : vector<4x[8]xf32>
func.func @outer_product(%a: vector<4xf32>, %b: vector<[8]xf32>, %c: vector<4x[8]xf32>) -> vector<4x[8]xf32> {
  %0 = vector.outerproduct %a, %b, %c {kind = #vector.kind<add>} : vector<4xf32>, vector<[8]xf32>
  return %0 : vector<4x[8]xf32>
}

// CHECK-LABEL: func.func @reduction
// CHECK-COUNT-2: vector.extract
func.func @reduction(%a: vector<2xf32>) -> f32 {
  %0 = vector.reduction <mul>, %a : vector<2xf32> into f32
  return %0 : f32
}

// CHECK-LABEL: func.func @integers
// CHECK:         vector.outerproduct
func.func @integers(%a: vector<4xi32>, %c: vector<4x4xi32>) -> vector<4x4xi32> {
  %0 = vector.outerproduct %a, %a, %c {kind = #vector.kind<add>} : vector<4xi32>, vector<4xi32>
  return %0 : vector<4x4xi32>
}
