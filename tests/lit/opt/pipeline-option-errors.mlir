// RUN: not slipstick-opt %s --cse='depth=3' 2>&1 | filecheck %s --check-prefix=UPSTREAM
// RUN: not %mlir-opt %s --cse='depth=3' 2>&1 | filecheck %s --check-prefix=UPSTREAM
// RUN: not slipstick-opt %s --canonicalize='max-iterations=many' 2>&1 | filecheck %s --check-prefix=NUMBER
// RUN: not %mlir-opt %s --canonicalize='max-iterations=many' 2>&1 | filecheck %s --check-prefix=NUMBER
// RUN: not slipstick-opt %s --lmul='depth=3' 2>&1 | filecheck %s --check-prefix=OURS
// RUN: not slipstick-opt %s --lmul='rounding=up' 2>&1 | filecheck %s --check-prefix=CHOICE

// UPSTREAM: error: {{.*}}no such option depth
// NUMBER: for the --max-iterations option: 'many' value invalid for long argument!
// OURS: error: lmul: no such option 'depth'; options: mantissa-bits (an integer; default 4), rounding (truncate|rne; default truncate)
// CHOICE: error: lmul: option 'rounding' expects truncate|rne, found 'up'; options:
