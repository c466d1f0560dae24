// An input that overflows the stack of MLIR's parser ends in a message, not in a signal.
// RUN: %python -c "print('func.func @f() {' + 'scf.execute_region {' * 300000)" > %t
// RUN: not slipstick-opt %t 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --timeout=0.000001 2>&1 | filecheck %s --check-prefix=TIME

// CHECK: slipstick-opt: error: crashed (SIGSEGV; an input nested too deeply overflows the stack) while parsing
// TIME: slipstick-opt: error: ran out of time while
