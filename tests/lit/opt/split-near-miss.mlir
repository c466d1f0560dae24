// What is almost a marker gets a warning and splits nothing.
// RUN: slipstick-opt %s --split-input-file 2>&1 | filecheck %s
// RUN: %mlir-opt %s --split-input-file 2>&1 | filecheck %s

// CHECK: split-near-miss.mlir:11:7: warning: near miss with file split marker
// CHECK-NEXT: // ---
// CHECK-NEXT:       ^
// CHECK: func.func @f
// CHECK-NEXT: return
func.func @f() { return }
// ---
// CHECK-NOT: // {{-----}}
// CHECK: func.func @g
func.func @g() { return }
