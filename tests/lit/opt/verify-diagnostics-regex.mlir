// RUN: not slipstick-opt %s --verify-diagnostics 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --verify-diagnostics 2>&1 | filecheck %s

// CHECK: error: invalid regex:
// expected-error-re@below {{has {{[0-9}} operands}}
func.func @f() {
  return
}
