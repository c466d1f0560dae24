// The C interface reads of descriptors what is used, and passes no more.
// RUN: slipstick-opt %s --split-input-file --pass-pipeline="builtin.module(finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,reconcile-unrealized-casts,canonicalize,trim-entry)" | filecheck %s

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

// -----

// Of pointers alone an array is made. What one call reads is loaded before it, all else at the beginning.
// CHECK:       llvm.func internal @main(%[[ARRAY:.*]]: !llvm.ptr) ->
// CHECK-NEXT:    %[[AT2:.*]] = llvm.getelementptr %[[ARRAY]][2]
// CHECK-NEXT:    %[[B:.*]] = llvm.load %[[AT2]]
// CHECK-NEXT:    %[[FIELD:.*]] = llvm.getelementptr %[[B]][0, 1]
// CHECK-NEXT:    %[[B_DATA:.*]] = llvm.load %[[FIELD]]
// CHECK:         llvm.store %{{.*}}, %[[B_DATA]]
// CHECK:         %[[AT1:.*]] = llvm.getelementptr %[[ARRAY]][1]
// CHECK-NEXT:    %[[A:.*]] = llvm.load %[[AT1]]
// CHECK-NEXT:    %[[A_FIELD:.*]] = llvm.getelementptr %[[A]][0, 1]
// CHECK-NEXT:    %[[A_DATA:.*]] = llvm.load %[[A_FIELD]]
// CHECK-NEXT:    llvm.call @kernel(%[[A_DATA]])
// CHECK:       llvm.func @_mlir_ciface_main_packed(%[[ALL:.*]]: !llvm.ptr)
// CHECK-NEXT:    %[[RESULT:.*]] = llvm.call @main(%[[ALL]])
// CHECK-NEXT:    %[[AT0:.*]] = llvm.getelementptr %[[ALL]][0]
// CHECK-NEXT:    %[[TO:.*]] = llvm.load %[[AT0]]
// CHECK-NEXT:    llvm.store %[[RESULT]], %[[TO]]
// CHECK-NEXT:    llvm.return
func.func private @kernel(%a: memref<4xf32>) attributes {llvm.bareptr} {
  return
}
func.func @main(%a: memref<4xf32>, %b: memref<4xf32>, %c: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>)
    attributes {llvm.emit_c_interface} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  memref.store %one, %b[%zero] : memref<4xf32>
  call @kernel(%a) : (memref<4xf32>) -> ()
  return %c, %c : memref<4xf32>, memref<4xf32>
}
