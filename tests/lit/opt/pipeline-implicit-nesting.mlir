// Passes given by flags are nested where they can only run on functions.
// RUN: slipstick-opt %s --convert-torch-to-linalg --dump-pass-pipeline -o /dev/null 2>&1 | filecheck %s
// RUN: %mlir-opt %s --convert-torch-to-linalg --dump-pass-pipeline -o /dev/null 2>&1 | filecheck %s

// CHECK: builtin.module(
// CHECK-NEXT: func.func(
// CHECK-NEXT: convert-torch-to-linalg
// CHECK-NEXT: )
// CHECK-NEXT: )
