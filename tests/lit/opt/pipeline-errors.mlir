// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(cse))' 2>&1 | filecheck %s --check-prefix=EXTRA
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(cse{' 2>&1 | filecheck %s --check-prefix=BRACE
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(,)' 2>&1 | filecheck %s --check-prefix=EMPTY
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(func.func(no-such-pass))' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not %mlir-opt %s --pass-pipeline='builtin.module(func.func(no-such-pass))' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not slipstick-opt %s --cse --pass-pipeline='builtin.module(cse)' 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not %mlir-opt %s --cse --pass-pipeline='builtin.module(cse)' 2>&1 | filecheck %s --check-prefix=BOTH

// EXTRA: error: pass pipeline, column 20: unexpected ')'
// BRACE: error: pass pipeline, column 19: '{' is never closed
// EMPTY: error: pass pipeline, column 16: expected a pass or an operation name, found ','
// UNKNOWN: error: {{.*}}'no-such-pass' does not refer to a registered pass or pass pipeline
// BOTH: error: '-pass-pipeline' option can't be used with individual pass options
