// `any` stands for every operation that is isolated from above.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(any(cse))' --mlir-print-ir-after-all -o /dev/null 2>&1 | filecheck %s
// RUN: %mlir-opt %s --pass-pipeline='builtin.module(any(cse))' --mlir-disable-threading --mlir-print-ir-after-all -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline='any(cse)' -o /dev/null

// CHECK: IR Dump After CSEPass: cse
// CHECK-NEXT: func.func @f
// CHECK: IR Dump After CSEPass: cse
// CHECK-NEXT: module @m
func.func @f() {
  return
}
module @m {
}
