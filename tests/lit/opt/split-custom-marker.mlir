// RUN: slipstick-opt %S/Inputs/cut.mlir --split-input-file=//cut --output-split-marker='// then' | filecheck %s
// RUN: %mlir-opt %S/Inputs/cut.mlir --split-input-file=//cut --output-split-marker='// then' | filecheck %s

// CHECK: module
// CHECK: func.func @f
// CHECK: // then
// CHECK-NEXT: module
// CHECK: func.func @f
