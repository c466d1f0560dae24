// All functions but the entry are internal; memrefs that alias nothing are named by the places of their pointers.
// RUN: slipstick-opt %s --finish-kernels | filecheck %s

module attributes {slipstick.entry = @forward} {
  // CHECK: func.func private @declared(f32){{$}}
  func.func private @declared(f32)

  // Where types say all but the pointers, these alone are passed.
  // CHECK:      func.func private @static
  // CHECK-SAME: llvm.bareptr
  // CHECK-SAME: slipstick.noalias_pointers = array<i64: 0, 2>
  func.func private @static(%a: memref<4x4xf32>, %s: f32, %b: memref<4xf32, strided<[2], offset: 3>>)
      attributes {slipstick.noalias = array<i64: 0, 2>} {
    return
  }

  // An argument `memref` of rank r becomes two pointers, an offset, r sizes and r strides: 3 + 2 r arguments.
  // CHECK:      func.func private @kernel
  // CHECK-NOT:  llvm.bareptr
  // CHECK-SAME: llvm.linkage = #llvm.linkage<internal>
  // CHECK-SAME: slipstick.noalias_pointers = array<i64: 1, 9>
  func.func private @kernel(%a: memref<?x4xf32>, %s: f32, %b: memref<4xf32>, %c: memref<f32>)
      attributes {slipstick.noalias = array<i64: 0, 2>} {
    return
  }

  // CHECK:     func.func @forward() {
  func.func @forward() {
    return
  }
}
