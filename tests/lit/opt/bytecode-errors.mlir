// RUN: not slipstick-opt %s --emit-bytecode --emit-bytecode-version=99 -o %t 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --emit-bytecode --emit-bytecode-version=99 -o %t 2>&1 | filecheck %s

// CHECK: error: unsupported version requested 99, must be in range [
func.func @f() {
  return
}
