// Only the pass that failed.
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(cse,func.func(inline))' --mlir-print-ir-after-failure 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --pass-pipeline='builtin.module(cse,func.func(inline))' --mlir-print-ir-after-failure 2>&1 | filecheck %s

// CHECK-NOT: IR Dump After CSE
// CHECK: IR Dump After InlinerPass Failed: inline
// CHECK-NEXT: func.func @f
func.func @f() {
  return
}
