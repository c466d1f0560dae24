// The outermost parallel loop of a kernel with work enough is spread over threads.
// RUN: slipstick-opt %s --parallelise-kernels=min-iterations=64 --split-input-file | filecheck %s
// RUN: slipstick-opt %s --parallelise-kernels --split-input-file | filecheck %s --check-prefix=SMALL

// SMALL-LABEL: func.func private @two_loops
// SMALL-NOT:     scf.parallel
// SMALL-LABEL: func.func private @dynamic
// SMALL:         scf.parallel

// CHECK-LABEL: func.func private @two_loops
// CHECK:         scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%{{.*}}) step (%{{.*}}) {
// CHECK-NEXT:      scf.for %[[J:.*]] =
// CHECK-NEXT:        memref.store %{{.*}}, %{{.*}}[%[[I]], %[[J]]]
// CHECK:           scf.reduce
func.func private @two_loops(%m: memref<8x8xf32>, %v: f32) attributes {slipstick.parallel_loops = 2 : i64} {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %8 = arith.constant 8 : index
  scf.for %i = %0 to %8 step %1 {
    scf.for %j = %0 to %8 step %1 {
      memref.store %v, %m[%i, %j] : memref<8x8xf32>
    }
  }
  return
}

// A loop of one iteration is passed over.
// CHECK-LABEL: func.func private @unit
// CHECK:         scf.for
// CHECK-NEXT:      scf.parallel
func.func private @unit(%m: memref<1x64xf32>, %v: f32) attributes {slipstick.parallel_loops = 2 : i64} {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %64 = arith.constant 64 : index
  scf.for %i = %0 to %1 step %1 {
    scf.for %j = %0 to %64 step %1 {
      memref.store %v, %m[%i, %j] : memref<1x64xf32>
    }
  }
  return
}

// A size that is not known counts as large.
// CHECK-LABEL: func.func private @dynamic
// CHECK:         scf.parallel
func.func private @dynamic(%m: memref<?xf32>, %v: f32) attributes {slipstick.parallel_loops = 1 : i64} {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %n = memref.dim %m, %0 : memref<?xf32>
  scf.for %i = %0 to %n step %1 {
    memref.store %v, %m[%i] : memref<?xf32>
  }
  return
}

// Left alone: a loop that was a reduction, a nest with little work, a function that is no kernel.
// CHECK-LABEL: func.func private @reduction
// CHECK-NOT:     scf.parallel
func.func private @reduction(%m: memref<64xf32>, %s: memref<f32>) attributes {slipstick.parallel_loops = 0 : i64} {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %64 = arith.constant 64 : index
  scf.for %i = %0 to %64 step %1 {
    %a = memref.load %m[%i] : memref<64xf32>
    %b = memref.load %s[] : memref<f32>
    %c = arith.addf %a, %b : f32
    memref.store %c, %s[] : memref<f32>
  }
  return
}
func.func private @little(%m: memref<63xf32>, %v: f32) attributes {slipstick.parallel_loops = 1 : i64} {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %63 = arith.constant 63 : index
  scf.for %i = %0 to %63 step %1 {
    memref.store %v, %m[%i] : memref<63xf32>
  }
  return
}
func.func @no_kernel(%m: memref<64xf32>, %v: f32) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %64 = arith.constant 64 : index
  scf.for %i = %0 to %64 step %1 {
    memref.store %v, %m[%i] : memref<64xf32>
  }
  return
}
