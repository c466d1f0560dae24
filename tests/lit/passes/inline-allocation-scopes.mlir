// A scope in which nothing is allocated on the stack goes, whatever else it holds.
// RUN: slipstick-opt %s --inline-allocation-scopes | filecheck %s

// CHECK-LABEL: func.func @none
// CHECK-NOT:     memref.alloca_scope
// CHECK:         llvm.call_intrinsic "llvm.x86.rdtsc"
// CHECK-NEXT:    memref.store
func.func @none(%m: memref<4xi64>, %i: index) {
  memref.alloca_scope {
    %0 = llvm.call_intrinsic "llvm.x86.rdtsc"() : () -> i64
    memref.store %0, %m[%i] : memref<4xi64>
  }
  return
}

// CHECK-LABEL: func.func @some
// CHECK:         memref.alloca_scope
func.func @some(%m: memref<4xf32>, %i: index) {
  memref.alloca_scope {
    %0 = memref.alloca() : memref<4xf32>
    %1 = memref.load %0[%i] : memref<4xf32>
    memref.store %1, %m[%i] : memref<4xf32>
  }
  return
}
