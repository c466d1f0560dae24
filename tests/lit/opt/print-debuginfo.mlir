// RUN: slipstick-opt %s --mlir-print-debuginfo | filecheck %s
// RUN: %mlir-opt %s --mlir-print-debuginfo | filecheck %s
// RUN: slipstick-opt %s --mlir-print-debuginfo --mlir-print-local-scope | filecheck %s --check-prefix=LOCAL
// RUN: %mlir-opt %s --mlir-print-debuginfo --mlir-print-local-scope | filecheck %s --check-prefix=LOCAL
// RUN: slipstick-opt %s --mlir-pretty-debuginfo | filecheck %s --check-prefix=PRETTY

// CHECK: return loc(#[[L:.*]])
// CHECK: #[[L]] = loc("model.py":7:1)
// LOCAL: return loc("model.py":7:1)
// PRETTY: return model.py:7:1
func.func @f() {
  return loc("model.py":7:1)
}
