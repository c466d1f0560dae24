// Named linalg operations that multiply floats become linalg.generic; others keep their names. Attributes stay.
// RUN: slipstick-opt %s --lmul=specials=finite --canonicalize --split-input-file | filecheck %s
// RUN: slipstick-opt %s --lmul=specials=finite --split-input-file | filecheck %s --check-prefix=LEFT

// LEFT-NOT: arith.mulf

// CHECK-DAG: #[[A:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[B:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG: #[[C:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @matmul
// CHECK:         linalg.generic {indexing_maps = [#[[A]], #[[B]], #[[C]]]
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME:      attrs = {user.note = "kept"}
// CHECK:           %[[P:.*]] = arith.bitcast {{.*}} : i32 to f32
// CHECK-NEXT:      %[[S:.*]] = arith.addf %{{.*}}, %[[P]] : f32
// CHECK-NEXT:      linalg.yield %[[S]] : f32
func.func @matmul(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>, %c: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %0 = linalg.matmul {user.note = "kept"} ins(%a, %b : tensor<4x8xf32>, tensor<8x16xf32>) outs(%c : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

// Strides and dilations are in the maps.
// CHECK-DAG: #[[I:.*]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 * 2 + d4, d2 * 2 + d5, d6)>
// CHECK-LABEL: func.func @convolution
// CHECK:         linalg.generic {indexing_maps = [#[[I]],
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]
// CHECK-NOT:       strides
func.func @convolution(%i: memref<1x8x8x3xf32>, %k: memref<3x3x3x4xf32>, %o: memref<1x3x3x4xf32>) {
  linalg.conv_2d_nhwc_hwcf {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
    ins(%i, %k : memref<1x8x8x3xf32>, memref<3x3x3x4xf32>) outs(%o : memref<1x3x3x4xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @elementwise
// CHECK-COUNT-3: linalg.generic
// CHECK:         linalg.add
// CHECK:         linalg.matmul
func.func @elementwise(%a: tensor<4xf16>, %i: tensor<2x2xi32>) -> (tensor<4xf16>, tensor<2x2xi32>) {
  %0 = linalg.mul ins(%a, %a : tensor<4xf16>, tensor<4xf16>) outs(%a : tensor<4xf16>) -> tensor<4xf16>
  %1 = linalg.square ins(%0 : tensor<4xf16>) outs(%a : tensor<4xf16>) -> tensor<4xf16>
  %2 = linalg.elementwise kind=#linalg.elementwise_kind<mul>
    ins(%0, %1 : tensor<4xf16>, tensor<4xf16>) outs(%a : tensor<4xf16>) -> tensor<4xf16>
  %3 = linalg.add ins(%2, %a : tensor<4xf16>, tensor<4xf16>) outs(%a : tensor<4xf16>) -> tensor<4xf16>
  %4 = linalg.matmul ins(%i, %i : tensor<2x2xi32>, tensor<2x2xi32>) outs(%i : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %3, %4 : tensor<4xf16>, tensor<2x2xi32>
}

// -----

// A body that stands in the text is rewritten where it is.
// CHECK-LABEL: func.func @bodies
// CHECK:         linalg.map
// CHECK:           arith.bitcast {{.*}} : i32 to f32
// CHECK:         linalg.reduce
// CHECK:           arith.bitcast {{.*}} : i32 to f32
// CHECK:         scf.for
// CHECK:           arith.bitcast {{.*}} : i32 to f32
func.func @bodies(%a: tensor<4x4xf32>, %r: tensor<4xf32>, %n: index, %x: f32) -> (tensor<4xf32>, f32) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %0 = linalg.map { arith.mulf } ins(%a, %a : tensor<4x4xf32>, tensor<4x4xf32>) outs(%a : tensor<4x4xf32>)
  %1 = linalg.reduce { arith.mulf } ins(%0 : tensor<4x4xf32>) outs(%r : tensor<4xf32>) dimensions = [1]
  %2 = scf.for %i = %zero to %n step %one iter_args(%y = %x) -> f32 {
    %3 = arith.mulf %y, %x : f32
    scf.yield %3 : f32
  }
  return %1, %2 : tensor<4xf32>, f32
}
