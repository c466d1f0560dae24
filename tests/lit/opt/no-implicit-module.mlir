// RUN: slipstick-opt %s --no-implicit-module | filecheck %s
// RUN: %mlir-opt %s --no-implicit-module | filecheck %s
// RUN: echo 'func.func @f() { return } func.func @g() { return }' | not slipstick-opt --no-implicit-module 2>&1 | filecheck %s --check-prefix=TWO
// RUN: echo 'func.func @f() { return } func.func @g() { return }' | not %mlir-opt --no-implicit-module 2>&1 | filecheck %s --check-prefix=TWO

// CHECK-NOT: module
// CHECK: func.func @f
// TWO: <stdin>:0:0: error: source must contain a single top-level operation, found: 2
func.func @f() {
  return
}
