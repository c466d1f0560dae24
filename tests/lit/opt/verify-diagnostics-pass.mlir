// Diagnostics of passes count too, at every operation that a pass fails on.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(inline))' --verify-diagnostics
// RUN: %mlir-opt %s --pass-pipeline='builtin.module(func.func(inline))' --verify-diagnostics

// expected-error@below {{was scheduled to run under the inliner, but does not define a symbol table}}
func.func @f() {
  return
}
// expected-error@below {{was scheduled to run under the inliner, but does not define a symbol table}}
func.func @g() {
  return
}
