// Private functions say what all calls of them pass: constants, and sizes, strides and offsets of memrefs.
// RUN: slipstick-opt %s --specialise-kernels --canonicalize --drop-unread-arguments --split-input-file | filecheck %s

// One caller: everything is known, also in what the function calls. The positions in `slipstick.noalias` follow.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[A:.*]]: memref<4x8xf32>, %[[B:.*]]: memref<8xf32>)
// CHECK:         call @outer(%[[A]], %[[B]]) : (memref<4x8xf32>, memref<8xf32>) -> ()
// CHECK:       func.func private @outer(%[[A:.*]]: memref<4x8xf32>, %[[B:.*]]: memref<8xf32>)
// CHECK-SAME:    slipstick.noalias = array<i64: 0, 1>
// CHECK:         %[[C3:.*]] = arith.constant 3 : index
// CHECK:         %[[V:.*]] = memref.load %[[A]][%[[C3]], %[[C3]]] : memref<4x8xf32>
// CHECK-NEXT:    memref.store %[[V]], %[[B]][%[[C3]]] : memref<8xf32>
// CHECK-NEXT:    call @inner() : () -> ()
// CHECK:       func.func private @inner()
// CHECK:         %[[C4:.*]] = arith.constant 4 : index
// CHECK:         call @declared(%[[C4]])
func.func @main(%a: memref<4x8xf32>, %b: memref<8xf32>) {
  %c3 = arith.constant 3 : index
  %0 = memref.cast %a : memref<4x8xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
  %1 = memref.cast %b : memref<8xf32> to memref<?xf32>
  call @outer(%0, %c3, %1) : (memref<?x?xf32, strided<[?, 1], offset: ?>>, index, memref<?xf32>) -> ()
  return
}
func.func private @outer(%a: memref<?x?xf32, strided<[?, 1], offset: ?>>, %i: index, %b: memref<?xf32>)
    attributes {slipstick.noalias = array<i64: 0, 2>} {
  %v = memref.load %a[%i, %i] : memref<?x?xf32, strided<[?, 1], offset: ?>>
  memref.store %v, %b[%i] : memref<?xf32>
  call @inner(%a) : (memref<?x?xf32, strided<[?, 1], offset: ?>>) -> ()
  return
}
func.func private @inner(%a: memref<?x?xf32, strided<[?, 1], offset: ?>>) {
  %c0 = arith.constant 0 : index
  %rows = memref.dim %a, %c0 : memref<?x?xf32, strided<[?, 1], offset: ?>>
  call @declared(%rows) : (index) -> ()
  return
}
func.func private @declared(index)

// -----

// Two callers: what they agree on. A type that says more than what is passed stays.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[X:.*]] = memref.cast %{{.*}} : memref<4x8xf32> to memref<?x8xf32, strided<[8, 1]>>
// CHECK:         call @both(%[[X]], %{{.*}}) : (memref<?x8xf32, strided<[8, 1]>>, index) -> ()
// CHECK:       func.func private @both(%[[A:.*]]: memref<?x8xf32, strided<[8, 1]>>, %[[I:.*]]: index)
// CHECK:         memref.load %[[A]][%[[I]],
// CHECK:       func.func private @known(%{{.*}}: memref<4xf32>)
func.func @main(%a: memref<4x8xf32>, %b: memref<6x8xf32>, %c: memref<?xf32>) {
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %0 = memref.cast %a : memref<4x8xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
  %1 = memref.cast %b : memref<6x8xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
  call @both(%0, %c3) : (memref<?x?xf32, strided<[?, 1], offset: ?>>, index) -> ()
  call @both(%1, %c4) : (memref<?x?xf32, strided<[?, 1], offset: ?>>, index) -> ()
  %2 = memref.cast %c : memref<?xf32> to memref<4xf32>
  call @known(%2) : (memref<4xf32>) -> ()
  return
}
func.func private @both(%a: memref<?x?xf32, strided<[?, 1], offset: ?>>, %i: index) {
  %v = memref.load %a[%i, %i] : memref<?x?xf32, strided<[?, 1], offset: ?>>
  memref.store %v, %a[%i, %i] : memref<?x?xf32, strided<[?, 1], offset: ?>>
  return
}
func.func private @known(%c: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %v = memref.load %c[%c0] : memref<4xf32>
  memref.store %v, %c[%c0] : memref<4xf32>
  return
}

// -----

// Left alone: what others can call.
// CHECK-LABEL: func.func @main(
// CHECK:       func.func @public(%{{.*}}: memref<?xf32>, %{{.*}}: index)
func.func @main(%b: memref<8xf32>) {
  %c3 = arith.constant 3 : index
  %1 = memref.cast %b : memref<8xf32> to memref<?xf32>
  call @public(%1, %c3) : (memref<?xf32>, index) -> ()
  return
}
func.func @public(%b: memref<?xf32>, %i: index) {
  %v = memref.load %b[%i] : memref<?xf32>
  memref.store %v, %b[%i] : memref<?xf32>
  return
}
