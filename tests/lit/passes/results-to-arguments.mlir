// Callers allocate what a private function returns.
// RUN: slipstick-opt %s --results-to-arguments | filecheck %s

// A result that is an argument already stays; so does one whose size only the function knows.
// CHECK-LABEL: func.func private @layer
// CHECK-SAME:    (%[[X:.*]]: memref<4xf32>, %[[N:.*]]: index, %[[R:.*]]: memref<4xf32> {slipstick.result}, %[[D:.*]]: memref<?xf32> {slipstick.result}) -> (memref<4xf32>, memref<?xf32>)
// CHECK-NOT:     alignment
// CHECK:         memref.copy %[[X]], %[[R]]
// CHECK:         %[[OWN:.*]] = memref.alloc
// CHECK:         return %[[X]], %[[OWN]]
func.func private @layer(%x: memref<4xf32>, %n: index) -> (memref<4xf32>, memref<2x2xf32>, memref<?xf32>, memref<?xf32>) {
  %r = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
  %d = memref.alloc(%n) : memref<?xf32>
  memref.copy %x, %r : memref<4xf32> to memref<4xf32>
  %v = memref.expand_shape %r [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  %m = arith.addi %n, %n : index
  %own = memref.alloc(%m) : memref<?xf32>
  return %x, %v, %d, %own : memref<4xf32>, memref<2x2xf32>, memref<?xf32>, memref<?xf32>
}

// CHECK-LABEL: func.func @main
// CHECK:         %[[R:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4xf32>
// CHECK:         %[[V:.*]] = memref.expand_shape %[[R]]
// CHECK:         %[[D:.*]] = memref.alloc(%[[N:.*]]) : memref<?xf32>
// CHECK:         %[[C:.*]]:2 = call @layer(%{{.*}}, %[[N]], %[[R]], %[[D]])
// CHECK:         return %[[C]]#0, %[[V]], %[[D]], %[[C]]#1
func.func @main(%x: memref<4xf32>, %n: index) -> (memref<4xf32>, memref<2x2xf32>, memref<?xf32>, memref<?xf32>) {
  %0:4 = call @layer(%x, %n) : (memref<4xf32>, index) -> (memref<4xf32>, memref<2x2xf32>, memref<?xf32>, memref<?xf32>)
  return %0#0, %0#1, %0#2, %0#3 : memref<4xf32>, memref<2x2xf32>, memref<?xf32>, memref<?xf32>
}
