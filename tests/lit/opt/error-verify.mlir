// Verification errors come with the operation in a note.
// RUN: not slipstick-opt %s 2>&1 | filecheck %s
// RUN: not %mlir-opt %s 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --mlir-print-op-on-diagnostic=false 2>&1 | filecheck %s --check-prefix=SHORT
// RUN: not %mlir-opt %s --mlir-print-op-on-diagnostic=false 2>&1 | filecheck %s --check-prefix=SHORT

// CHECK: error-verify.mlir:14:3: error: 'func.return' op has 0 operands, but enclosing function (@f) returns 1
// CHECK-NEXT: return
// CHECK-NEXT: ^
// CHECK-NEXT: error-verify.mlir:14:3: note: see current operation: "func.return"() : () -> ()
// SHORT: error: 'func.return' op has 0 operands
// SHORT-NOT: see current operation
func.func @f() -> i32 {
  return
}
