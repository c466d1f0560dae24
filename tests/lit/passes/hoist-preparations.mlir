// RUN: slipstick-opt %s --hoist-preparations --split-input-file | filecheck %s

// Three operations on each weight, for each row: once for all rows.

// CHECK-LABEL: func.func @weights
// CHECK-SAME:    (%[[X:.*]]: memref<8x16xf32>, %[[W:.*]]: memref<16xf32>)
// CHECK:         %[[PREPARED:.*]] = memref.alloc() {alignment = 64 : i64} : memref<16xi32>
// CHECK:         linalg.generic {{.*}} ins(%[[W]] : memref<16xf32>) outs(%[[PREPARED]] : memref<16xi32>)
// CHECK:           arith.bitcast
// CHECK:           arith.andi
// CHECK:           arith.maxsi
// CHECK:           linalg.yield
// CHECK:         scf.forall
// CHECK:           linalg.generic {{.*}} ins(%{{.*}}, %[[PREPARED]] : {{.*}}, memref<16xi32>)
// CHECK:           ^bb0(%[[IN:.*]]: f32, %[[BITS:.*]]: i32, %{{.*}}: f32):
// CHECK-NOT:         arith.andi
// CHECK:             arith.addi %{{.*}}, %[[BITS]]
// CHECK:         memref.dealloc %[[PREPARED]]
#id = affine_map<(d0) -> (d0)>
func.func @weights(%x: memref<8x16xf32>, %w: memref<16xf32>) -> memref<8x16xf32> {
  %mask = arith.constant 2146959360 : i32
  %low = arith.constant 562036736 : i32
  %y = memref.alloc() : memref<8x16xf32>
  scf.forall (%i) in (8) {
    %from = memref.subview %x[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    %to = memref.subview %y[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%from, %w : memref<16xf32, strided<[1], offset: ?>>, memref<16xf32>)
        outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %0 = arith.bitcast %b : f32 to i32
      %1 = arith.andi %0, %mask : i32
      %2 = arith.maxsi %1, %low : i32
      %3 = arith.bitcast %a : f32 to i32
      %4 = arith.addi %3, %2 : i32
      %5 = arith.bitcast %4 : i32 to f32
      linalg.yield %5 : f32
    }
  }
  return %y : memref<8x16xf32>
}

// -----

// What the loop may write to stays: here its result is an argument, perhaps the same one.

// CHECK-LABEL: func.func @written
// CHECK-NOT:     memref.alloc
#id = affine_map<(d0) -> (d0)>
func.func @written(%x: memref<8x16xf32>, %w: memref<16xf32>) {
  scf.forall (%i) in (8) {
    %to = memref.subview %x[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%w : memref<16xf32>) outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%b: f32, %out: f32):
      %0 = math.absf %b : f32
      %1 = math.sqrt %0 : f32
      %2 = math.exp %1 : f32
      %3 = arith.addf %2, %out : f32
      linalg.yield %3 : f32
    }
  }
  return
}

// -----

// Few turns, few operations, and an element that is read besides: nothing is gained.

// CHECK-LABEL: func.func @not_worth_it
// CHECK-COUNT-1: memref.alloc
// CHECK-NOT:     memref.alloc
#id = affine_map<(d0) -> (d0)>
func.func @not_worth_it(%w: memref<16xf32>) -> memref<8x16xf32> {
  %y = memref.alloc() : memref<8x16xf32>
  scf.forall (%i) in (3) {
    %to = memref.subview %y[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%w : memref<16xf32>) outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%b: f32, %out: f32):
      %0 = math.absf %b : f32
      %1 = math.sqrt %0 : f32
      %2 = math.exp %1 : f32
      linalg.yield %2 : f32
    }
  }
  scf.forall (%i) in (8) {
    %to = memref.subview %y[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%w : memref<16xf32>) outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%b: f32, %out: f32):
      %0 = math.absf %b : f32
      %1 = math.sqrt %0 : f32
      linalg.yield %1 : f32
    }
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%w : memref<16xf32>) outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%b: f32, %out: f32):
      %0 = math.absf %b : f32
      %1 = math.sqrt %0 : f32
      %2 = math.exp %1 : f32
      %3 = arith.addf %2, %out : f32
      %4 = arith.addf %3, %b : f32
      linalg.yield %4 : f32
    }
  }
  return %y : memref<8x16xf32>
}

// -----

// A result is memory of its own.

// CHECK-LABEL: func.func @result
// CHECK:         memref.alloc() {alignment = 64 : i64} : memref<16xf32>
#id = affine_map<(d0) -> (d0)>
func.func @result(%w: memref<16xf32>, %y: memref<8x16xf32> {slipstick.result}) {
  scf.forall (%i) in (8) {
    %to = memref.subview %y[%i, 0] [1, 16] [1, 1] : memref<8x16xf32> to memref<16xf32, strided<[1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%w : memref<16xf32>) outs(%to : memref<16xf32, strided<[1], offset: ?>>) {
    ^bb0(%b: f32, %out: f32):
      %0 = math.absf %b : f32
      %1 = math.sqrt %0 : f32
      %2 = math.exp %1 : f32
      linalg.yield %2 : f32
    }
  }
  return
}
