// RUN: not slipstick-opt %s --emit-bytecod 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --emit-bytecod 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --no-such-pass 2>&1 | filecheck %s --check-prefix=PASS
// RUN: not slipstick-opt %s --canonicalise 2>&1 | filecheck %s --check-prefix=UPSTREAM
// RUN: not slipstick-opt %s --stage-loop 2>&1 | filecheck %s --check-prefix=STAGE
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(lmul-mrk)' 2>&1 | filecheck %s --check-prefix=OURS

// CHECK: {{slipstick|torch-mlir}}-opt: Unknown command line argument '--emit-bytecod'.  Try: '{{.*}}--help'
// CHECK: {{slipstick|torch-mlir}}-opt: Did you mean '--emit-bytecode'?
// PASS: slipstick-opt: Unknown command line argument '--no-such-pass'.
// UPSTREAM: slipstick-opt: Did you mean '--canonicalize'?
// STAGE: slipstick-opt: Did you mean '--stage-loops'?
// OURS: error: 'lmul-mrk' does not refer to a registered pass or pass pipeline; did you mean 'lmul-mark'?
