// Results that overwrite arguments are dropped; those that lie elsewhere are copied, in an order that loses nothing.
// RUN: slipstick-opt %s --overwrite-arguments --split-input-file | filecheck %s

// Bufferisation put the result into the argument: nothing is copied.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>) -> f32
// CHECK-NOT:     memref.copy
// CHECK:         return %{{.*}} : f32
module attributes {slipstick.overwrites = [array<i64: 0, 1>]} {
  func.func @main(%x: memref<4xf32>, %y: memref<4xf32>) -> (f32, memref<4xf32>) {
    linalg.exp ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
    %zero = arith.constant 0 : index
    %e = memref.load %x[%zero] : memref<4xf32>
    return %e, %x : f32, memref<4xf32>
  }
}

// -----

// An allocation is copied as it is.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32>) {
// CHECK:         %[[NEW:.*]] = memref.alloc
// CHECK-NOT:     memref.alloc
// CHECK:         memref.copy %[[NEW]], %[[X]]
// CHECK-NEXT:    return
// CHECK-NEXT:  }
module attributes {slipstick.overwrites = [array<i64: 0, 0>]} {
  func.func @main(%x: memref<?xf32>) -> memref<?xf32> {
    %n = arith.constant 4 : index
    %new = memref.alloc(%n) : memref<?xf32>
    linalg.exp ins(%x : memref<?xf32>) outs(%new : memref<?xf32>)
    return %new : memref<?xf32>
  }
}

// -----

// Two arguments change places, and the old value of one is returned: all are put aside first.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>) -> memref<?xf32>
// CHECK:         %[[A:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK-NEXT:    memref.copy %[[Y]], %[[A]]
// CHECK:         %[[B:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK-NEXT:    memref.copy %[[X]], %[[B]]
// CHECK:         %[[C:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK-NEXT:    memref.copy %[[X]], %[[C]]
// CHECK-NEXT:    memref.copy %[[A]], %[[X]]
// CHECK-NEXT:    memref.copy %[[B]], %[[Y]]
// CHECK-NEXT:    return %[[C]] : memref<?xf32>
module attributes {slipstick.overwrites = [array<i64: 0, 0>, array<i64: 1, 1>]} {
  func.func @main(%x: memref<?xf32>, %y: memref<?xf32>) -> (memref<?xf32>, memref<?xf32>, memref<?xf32>) {
    return %y, %x, %x : memref<?xf32>, memref<?xf32>, memref<?xf32>
  }
}

// -----

// Without the attribute nothing changes.
// CHECK-LABEL: func.func @main
// CHECK:         return %{{.*}} : memref<4xf32>
func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
  return %x : memref<4xf32>
}
