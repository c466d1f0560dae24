// RUN: slipstick-opt %s --vectorise-rows="vector-bits=256 registers=2" --canonicalize --cse | filecheck %s
// RUN: slipstick-opt %s --vectorise-rows="vector-bits=256 registers=2 nan-maximum" | filecheck %s --check-prefix=NAN

#along = affine_map<(d0) -> (d0)>
#one = affine_map<(d0) -> ()>
#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// Two rows at a time; of 21 elements 16 in a wide vector, none in one register, 5 masked. A maximum in two parts.
// CHECK-LABEL: func.func @maximum
// CHECK-SAME:      slipstick.iterations = 84 : i64
// CHECK:         scf.forall (%[[I:.*]]) = (0) to (4) step (2) {
// CHECK:           %[[J:.*]] = arith.addi %[[I]], %{{.*}} : index
// CHECK:           memref.subview %{{.*}}[%[[I]], 0]
// CHECK:           memref.subview %{{.*}}[%[[J]], 0]
// CHECK-COUNT-2:   vector.load {{.*}}, vector<16xf32>
// CHECK-NOT:       scf.for
// CHECK:           arith.cmpf ogt, {{.*}} : vector<8xf32>
// CHECK:           vector.maskedload %{{.*}}[%{{.*}}], %{{.*}}, %{{.*}} : {{.*}} into vector<8xf32>
// CHECK:           arith.cmpf uno, {{.*}} : vector<8xf32>
// CHECK:           vector.reduction <or>, %{{.*}} : vector<8xi1> into i1
// CHECK:           arith.maximumf %{{.*}}, %{{.*}} : f32
// CHECK-NOT:       linalg.generic
// NAN-LABEL: func.func @maximum
// NAN:             arith.maximumf {{.*}} : vector<8xf32>
// NAN-NOT:         arith.cmpf
func.func @maximum(%x: memref<4x21xf32>, %m: memref<4xf32>) attributes {slipstick.parallel_loops = 1 : i64} {
  scf.forall (%i) in (4) {
    %r = memref.subview %x[%i, 0] [1, 21] [1, 1] : memref<4x21xf32> to memref<21xf32, strided<[1], offset: ?>>
    %o = memref.subview %m[%i] [1] [1] : memref<4xf32> to memref<f32, strided<[], offset: ?>>
    linalg.generic {indexing_maps = [#along, #one], iterator_types = ["reduction"]}
      ins(%r : memref<21xf32, strided<[1], offset: ?>>) outs(%o : memref<f32, strided<[], offset: ?>>) {
    ^bb0(%a: f32, %b: f32):
      %v = arith.maximumf %a, %b : f32
      linalg.yield %v : f32
    }
  }
  return
}

// A long sum is a loop over wide vectors; what is the same for all elements is computed once.
// CHECK-LABEL: func.func @sum
// NAN-LABEL: func.func @sum
// CHECK:         scf.forall (%{{.*}}) in (3) {
// CHECK:           arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:           scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (vector<16xf32>) {
// CHECK:             arith.subf {{.*}} : vector<16xf32>
// CHECK:             arith.addf {{.*}} fastmath<reassoc> : vector<16xf32>
// CHECK:           arith.addf {{.*}} fastmath<reassoc> : vector<8xf32>
// CHECK:           arith.addf {{.*}} fastmath<reassoc> : vector<1xf32>
func.func @sum(%x: memref<3x256xf32>, %m: memref<f32>) attributes {slipstick.parallel_loops = 1 : i64} {
  scf.forall (%i) in (3) {
    %r = memref.subview %x[%i, 0] [1, 256] [1, 1] : memref<3x256xf32> to memref<256xf32, strided<[1], offset: ?>>
    %o = memref.alloc() : memref<f32>
    linalg.generic {indexing_maps = [#along, #one, #one], iterator_types = ["reduction"]}
      ins(%r, %m : memref<256xf32, strided<[1], offset: ?>>, memref<f32>) outs(%o : memref<f32>) {
    ^bb0(%a: f32, %c: f32, %b: f32):
      %w = arith.mulf %c, %c : f32
      %d = arith.subf %a, %w : f32
      %v = arith.addf %d, %b fastmath<reassoc> : f32
      linalg.yield %v : f32
    }
    memref.dealloc %o : memref<f32>
  }
  return
}

// An element-wise operation: outer loops, and a divisor that is the same along a row becomes its inverse.
// CHECK-LABEL: func.func @divide
// CHECK:         scf.for
// CHECK:           memref.subview %{{.*}}[%{{.*}}, 0] [1, 16] [1, 1]
// CHECK:           %[[C:.*]] = arith.select
// CHECK:           %[[D:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK:           %[[Q:.*]] = arith.divf %{{.*}}, %[[D]] : f32
// CHECK:           vector.broadcast %[[Q]] : f32 to vector<16xf32>
// CHECK:           arith.mulf {{.*}} : vector<16xf32>
// CHECK:           vector.store
func.func @divide(%x: memref<4x16xf32>, %s: memref<4xf32>, %y: memref<4x16xf32>)
    attributes {slipstick.parallel_loops = 2 : i64} {
  linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
    ins(%x, %s : memref<4x16xf32>, memref<4xf32>) outs(%y : memref<4x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.divf %a, %b : f32
    linalg.yield %v : f32
  }
  return
}

// Left to LLVM: booleans, whose memory is bytes; rows shorter than a register; a sum whose order counts.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-3: linalg.generic
func.func @kept(%x: memref<4x16xf32>, %b: memref<4x16xi1>, %z: memref<4x7xf32>, %c: memref<7xf32>, %s: memref<f32>,
                %l: memref<16xf32>) attributes {slipstick.parallel_loops = 0 : i64} {
  linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
    ins(%b : memref<4x16xi1>) outs(%x : memref<4x16xf32>) {
  ^bb0(%a: i1, %o: f32):
    %v = arith.uitofp %a : i1 to f32
    linalg.yield %v : f32
  }
  linalg.generic {indexing_maps = [#column, #rows], iterator_types = ["parallel", "parallel"]}
    ins(%c : memref<7xf32>) outs(%z : memref<4x7xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#along, #one], iterator_types = ["reduction"]}
    ins(%l : memref<16xf32>) outs(%s : memref<f32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  }
  return
}
