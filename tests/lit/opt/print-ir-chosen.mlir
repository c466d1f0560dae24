// Before and after chosen passes; at module scope the header names the operation.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,canonicalize))' --mlir-print-ir-after=cse --mlir-print-ir-module-scope -o /dev/null 2>&1 | filecheck %s
// RUN: %mlir-opt %s --pass-pipeline='builtin.module(func.func(cse,canonicalize))' --mlir-print-ir-after=cse --mlir-print-ir-module-scope --mlir-disable-threading -o /dev/null 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --mlir-print-ir-before=none 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not %mlir-opt %s --mlir-print-ir-before=none 2>&1 | filecheck %s --check-prefix=UNKNOWN

// CHECK-NOT: canonicalize
// CHECK: // -----// IR Dump After CSEPass: cse ('func.func' operation: @f) //----- //
// CHECK-NEXT: module {
// CHECK-NOT: canonicalize
// UNKNOWN: for the --mlir-print-ir-before option: Cannot find option named 'none'!
func.func @f() {
  return
}
