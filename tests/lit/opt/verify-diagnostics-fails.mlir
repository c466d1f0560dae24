// What is expected and does not come, and what comes unexpected, are both errors.
// RUN: not slipstick-opt %s --split-input-file --verify-diagnostics -o /dev/null 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --split-input-file --verify-diagnostics -o /dev/null 2>&1 | filecheck %s

// CHECK: :7:3: error: unexpected error: 'func.return' op has 0 operands
func.func @unexpected() -> i32 {
  return
}
// -----
// CHECK: error: 'error' diagnostic emitted when expecting a 'warning'
func.func @wrong_severity() -> i32 {
  return // expected-warning {{has 0 operands}}
}
// -----
// CHECK: error: expected warning "has 0 operands" was not produced
// CHECK: error: expected error "never said" was not produced
// expected-error@below {{never said}}
func.func @fine() {
  return
}
