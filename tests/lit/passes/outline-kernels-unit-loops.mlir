// A loop of one iteration goes, and then is not counted: what is counted would be the reduction inside.
// RUN: slipstick-opt %s --outline-kernels --convert-linalg-to-loops --canonicalize --parallelise-kernels=min-iterations=64 --split-input-file | filecheck %s

// CHECK-LABEL: func.func private @slipstick_kernel_0
// CHECK-SAME:    slipstick.parallel_loops = 0
// CHECK-NOT:     scf.parallel
func.func @one_row(%x: memref<1x128x64xf32>, %y: memref<1x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x : memref<1x128x64xf32>) outs(%y : memref<1x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func private @slipstick_kernel_0
// CHECK-SAME:    slipstick.parallel_loops = 1
// CHECK:         scf.parallel (%{{.*}}) = (%{{.*}}) to (%c7)
// CHECK:           scf.for
func.func @seven_rows(%x: memref<1x7x64xf32>, %y: memref<1x7xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, b)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%x : memref<1x7x64xf32>) outs(%y : memref<1x7xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// An unknown size may be anything: its loop stays.
// CHECK-LABEL: func.func private @slipstick_kernel_0
// CHECK-SAME:    slipstick.parallel_loops = 1
// CHECK:         scf.parallel
func.func @rows(%x: memref<?x128x64xf32>, %y: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(a, b, c) -> (a, b, c)>, affine_map<(a, b, c) -> (a, c)>],
                  iterator_types = ["parallel", "reduction", "parallel"]}
    ins(%x : memref<?x128x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %in, %out : f32
    linalg.yield %0 : f32
  }
  return
}
