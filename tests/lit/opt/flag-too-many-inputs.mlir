// RUN: not slipstick-opt %s %s 2>&1 | filecheck %s
// RUN: not %mlir-opt %s %s 2>&1 | filecheck %s

// CHECK: Too many positional arguments specified!
// CHECK-NEXT: Can specify at most 1 positional arguments
