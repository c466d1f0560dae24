// RUN: not slipstick-opt %s --pass-pipeline='cse,canonicalize' 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --pass-pipeline='cse,canonicalize' 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --pass-pipeline= 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --pass-pipeline= 2>&1 | filecheck %s

// CHECK: error: expected pass pipeline to be wrapped with the anchor operation type, e.g. 'builtin.module(...)'
