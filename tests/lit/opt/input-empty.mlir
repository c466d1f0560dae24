// RUN: slipstick-opt /dev/null | filecheck %s
// RUN: %mlir-opt /dev/null | filecheck %s

// CHECK: module {
// CHECK-NEXT: }
