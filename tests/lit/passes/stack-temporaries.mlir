// Small temporaries of kernels go to the stack: on entry, in a function of its own under a parallel loop.
// RUN: slipstick-opt %s --stack-temporaries=max-bytes=64 | filecheck %s

// CHECK-LABEL: func.func private @sequential
// CHECK-NEXT:    %[[A:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK:         scf.for
// CHECK-NOT:       memref.alloc()
// CHECK:           memref.store %{{.*}}, %[[A]]
// CHECK-NOT:       memref.dealloc
func.func private @sequential(%x: f32) attributes {slipstick.parallel_loops = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %a = memref.alloc() : memref<16xf32>
    memref.store %x, %a[%i] : memref<16xf32>
    memref.dealloc %a : memref<16xf32>
  }
  return
}

// CHECK-LABEL: func.func private @parallel(
// CHECK:         scf.parallel (%[[I:.*]]) =
// CHECK-NEXT:      func.call @parallel_row(%[[I]], %{{.*}}) : (index, f32) -> ()
// CHECK:         func.func private @parallel_row(
// CHECK:         %[[B:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK:         memref.store %{{.*}}, %[[B]]
// CHECK-NEXT:    return
func.func private @parallel(%x: f32) attributes {slipstick.parallel_loops = 1 : i64} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    %a = memref.alloc() : memref<16xf32>
    memref.store %x, %a[%i] : memref<16xf32>
    memref.dealloc %a : memref<16xf32>
    scf.reduce
  }
  return
}

// Too large; and no kernel.
// CHECK-LABEL: func.func private @large
// CHECK:         memref.alloc() : memref<17xf32>
func.func private @large(%x: f32, %i: index) attributes {slipstick.parallel_loops = 1 : i64} {
  %a = memref.alloc() : memref<17xf32>
  memref.store %x, %a[%i] : memref<17xf32>
  memref.dealloc %a : memref<17xf32>
  return
}

// CHECK-LABEL: func.func @entry
// CHECK:         memref.alloc() : memref<4xf32>
func.func @entry(%x: f32, %i: index) {
  %a = memref.alloc() : memref<4xf32>
  memref.store %x, %a[%i] : memref<4xf32>
  memref.dealloc %a : memref<4xf32>
  return
}
