// Element-wise producers go into the bodies of what reads them, where that repeats no costly work.
// RUN: slipstick-opt %s --fuse-elementwise --split-input-file | filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#turn = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d1)>
#col = affine_map<(d0, d1) -> (d0)>

// A chain becomes one operation; what a producer read transposed, the consumer reads so.
// CHECK:       #[[TURN:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-LABEL: func.func @chain
// CHECK-SAME:    %[[X:.*]]: tensor<4x8xf32>, %[[Y:.*]]: tensor<8x4xf32>
// CHECK:         linalg.generic {indexing_maps = [#[[TURN]], #[[ID:.*]], #[[ID]]]{{.*}} ins(%[[X]], %[[Y]] :
// CHECK-NEXT:    ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:      %[[E:.*]] = math.exp %[[A]]
// CHECK-NEXT:      %[[S:.*]] = arith.addf %[[E]], %[[B]]
// CHECK-NEXT:      linalg.yield %[[S]]
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %e = tensor.empty() : tensor<4x8xf32>
  %f = tensor.empty() : tensor<8x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#turn, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%0, %y : tensor<4x8xf32>, tensor<8x4xf32>) outs(%f : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// -----

// A broadcast reader visits an element many times: cheap bodies are fused all the same, costly ones are not.
#id1 = affine_map<(d0) -> (d0)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @broadcast
// CHECK-SAME:    %[[X:.*]]: tensor<8xf32>
// CHECK:         %[[COSTLY:.*]] = linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic {{.*}} ins(%[[COSTLY]], %[[X]] :
// CHECK-NOT:       math.exp
// CHECK:           arith.negf
// CHECK:           arith.addf
func.func @broadcast(%x: tensor<8xf32>) -> tensor<4x8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %f = tensor.empty() : tensor<4x8xf32>
  %costly = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %cheap = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.negf %a : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#row, #row, #id], iterator_types = ["parallel", "parallel"]}
    ins(%costly, %cheap : tensor<8xf32>, tensor<8xf32>) outs(%f : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

// Into a reduction; the producer's loops are renamed in `linalg.index`.
#id = affine_map<(d0, d1) -> (d0, d1)>
#turn = affine_map<(d0, d1) -> (d1, d0)>
#col = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @reduction
// CHECK:         linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      linalg.index 1
// CHECK:           arith.addf
// CHECK-NOT:     linalg.generic
func.func @reduction(%x: tensor<8x4xf32>, %sum: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<8x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<8x4xf32>) outs(%e : tensor<8x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %f = arith.sitofp %n : i32 to f32
    %v = arith.mulf %a, %f : f32
    linalg.yield %v : f32
  } -> tensor<8x4xf32>
  %1 = linalg.generic {indexing_maps = [#turn, #col], iterator_types = ["parallel", "reduction"]}
    ins(%0 : tensor<8x4xf32>) outs(%sum : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// Left alone where the producer's result alone says how often a loop runs.
#id1 = affine_map<(d0) -> (d0)>
#none = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @size_of_a_reduction
// CHECK:         %[[I:.*]] = linalg.generic
// CHECK:         linalg.generic {{.*}} ins(%[[I]] :
func.func @size_of_a_reduction(%sum: tensor<i64>) -> tensor<i64> {
  %e = tensor.empty() : tensor<8xi64>
  %0 = linalg.generic {indexing_maps = [#id1], iterator_types = ["parallel"]} outs(%e : tensor<8xi64>) {
  ^bb0(%o: i64):
    %i = linalg.index 0 : index
    %v = arith.index_cast %i : index to i64
    linalg.yield %v : i64
  } -> tensor<8xi64>
  %1 = linalg.generic {indexing_maps = [#id1, #none], iterator_types = ["reduction"]}
    ins(%0 : tensor<8xi64>) outs(%sum : tensor<i64>) {
  ^bb0(%a: i64, %o: i64):
    %v = arith.addi %a, %o : i64
    linalg.yield %v : i64
  } -> tensor<i64>
  return %1 : tensor<i64>
}

// -----

// Two readers: a cast goes into both and dies, arithmetic stays where it is.
#id1 = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @two_readers
// CHECK-SAME:    %[[H:.*]]: tensor<8xf16>, %[[X:.*]]: tensor<8xf32>
// CHECK:         %[[N:.*]] = linalg.generic {{.*}} ins(%[[X]] :
// CHECK:           arith.negf
// CHECK-COUNT-2: linalg.generic {{.*}} ins(%[[H]], %[[N]] :
func.func @two_readers(%h: tensor<8xf16>, %x: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %e = tensor.empty() : tensor<8xf32>
  %cast = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%h : tensor<8xf16>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f16, %o: f32):
    %v = arith.extf %a : f16 to f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %neg = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.negf %a : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %1 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]}
    ins(%cast, %neg : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %2 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]}
    ins(%cast, %neg : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.subf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  return %1, %2 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Left alone: named contractions, producers that reduce, that read their output, or that branch.
#id1 = affine_map<(d0) -> (d0)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @others
// CHECK-COUNT-4: linalg.generic
// CHECK:         linalg.matvec
func.func @others(%x: tensor<4x8xf32>, %y: tensor<4xf32>, %w: tensor<4x4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #col], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%y : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %reads = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%sum : tensor<4xf32>) outs(%y : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.mulf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %branches = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%reads : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c = arith.cmpf olt, %a, %a : f32
    %v = scf.if %c -> (f32) {
      scf.yield %a : f32
    } else {
      scf.yield %a : f32
    }
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %last = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%branches : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.negf %a : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %r = linalg.matvec ins(%w, %last : tensor<4x4xf32>, tensor<4xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// The mark of L-Mul stays with the multiplies of its own operation.
#id1 = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @marks
// CHECK:         linalg.generic
// CHECK-NOT:       slipstick.lmul
// CHECK:           arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:           arith.mulf %{{.*}}, %{{.*}} {slipstick.lmul = {mantissa_bits = 4 : i64}} : f32
func.func @marks(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
    ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.mulf %a, %a : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]}
    ins(%0, %y : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>)
    attrs = {slipstick.lmul = {mantissa_bits = 4 : i64}} {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
