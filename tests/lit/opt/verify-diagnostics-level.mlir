// only-expected lets other diagnostics pass.
// RUN: slipstick-opt %s --verify-diagnostics=only-expected -o /dev/null
// RUN: %mlir-opt %s --verify-diagnostics=only-expected -o /dev/null
// RUN: not slipstick-opt %s --verify-diagnostics=all -o /dev/null 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --verify-diagnostics=all -o /dev/null 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --verify-diagnostics=some -o /dev/null 2>&1 | filecheck %s --check-prefix=LEVEL

// CHECK: error: unexpected note: see existing symbol definition here
// LEVEL: for the --verify-diagnostics option: Cannot find option named 'some'!
func.func @f() { return }
// expected-error@below {{redefinition of symbol named 'f'}}
func.func @f() { return }
