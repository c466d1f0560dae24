// RUN: slipstick-opt %s --mlir-print-skip-regions | filecheck %s
// RUN: %mlir-opt %s --mlir-print-skip-regions | filecheck %s

// CHECK: module {...}
module {
  func.func @f() {
    return
  }
}
