// Without a file name, and for `-`, the input is standard input.
// RUN: cat %s | slipstick-opt --mlir-print-debuginfo | filecheck %s
// RUN: cat %s | slipstick-opt - --mlir-print-debuginfo | filecheck %s
// RUN: cat %s | %mlir-opt --mlir-print-debuginfo | filecheck %s

// CHECK: func.func @f()
// CHECK: loc("<stdin>":8:1)
func.func @f() {
  return
}
