// The output file is written only when everything succeeded, and is then replaced as a whole.
// RUN: echo before > %t
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(func.func(inline))' -o %t 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: filecheck %s --check-prefix=KEPT --input-file %t
// RUN: slipstick-opt %s -o %t
// RUN: filecheck %s --check-prefix=WRITTEN --input-file %t
// RUN: not slipstick-opt %s -o %t.none/x 2>&1 | filecheck %s --check-prefix=NODIR
// RUN: not %mlir-opt %s -o %t.none/x 2>&1 | filecheck %s --check-prefix=NODIR

// ERROR: error: 'func.func' op {{ *}}was scheduled to run under the inliner
// KEPT: before
// WRITTEN: func.func @f
// NODIR: cannot open output file '{{.*}}x': No such file or directory
func.func @f() {
  return
}
