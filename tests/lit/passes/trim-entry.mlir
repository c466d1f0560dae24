// The C interface reads of descriptors what is used, and passes no more.
// RUN: slipstick-opt %s --pass-pipeline="builtin.module(finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,reconcile-unrealized-casts,canonicalize,trim-entry)" | filecheck %s

// CHECK:       llvm.func internal @main(%{{.*}}: !llvm.ptr, %[[SIZE:.*]]: i64) -> f32
// CHECK-LABEL: llvm.func @_mlir_ciface_main
// CHECK-SAME:    (%[[A:.*]]: !llvm.ptr, %[[B:.*]]: !llvm.ptr)
// CHECK-DAG:     %[[PA:.*]] = llvm.getelementptr %[[A]][0, 1]
// CHECK-DAG:     %[[DATA:.*]] = llvm.load %[[PA]] : !llvm.ptr -> !llvm.ptr
// CHECK-DAG:     %[[PB:.*]] = llvm.getelementptr %[[B]][0, 3, 0]
// CHECK-DAG:     %[[SIZE:.*]] = llvm.load %[[PB]] : !llvm.ptr -> i64
// CHECK:         llvm.call @main(%[[DATA]], %[[SIZE]]) : (!llvm.ptr, i64) -> f32
// CHECK-NOT:     llvm.extractvalue
func.func @main(%a: memref<4xf32>, %b: memref<?xf32>) -> f32 attributes {llvm.emit_c_interface} {
  %zero = arith.constant 0 : index
  %size = memref.dim %b, %zero : memref<?xf32>
  %0 = memref.load %a[%size] : memref<4xf32>
  return %0 : f32
}
