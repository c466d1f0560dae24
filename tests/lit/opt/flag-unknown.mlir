// RUN: not slipstick-opt %s --emit-bytecod 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --emit-bytecod 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --no-such-pass 2>&1 | filecheck %s --check-prefix=PASS

// CHECK: {{slipstick|torch-mlir}}-opt: Unknown command line argument '--emit-bytecod'.  Try: '{{.*}}--help'
// CHECK: {{slipstick|torch-mlir}}-opt: Did you mean '--emit-bytecode'?
// PASS: slipstick-opt: Unknown command line argument '--no-such-pass'.
