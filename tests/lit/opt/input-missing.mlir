// RUN: not slipstick-opt %t.none 2>&1 | filecheck %s
// RUN: not %mlir-opt %t.none 2>&1 | filecheck %s
// RUN: not slipstick-opt %S 2>&1 | filecheck %s --check-prefix=DIR
// RUN: not %mlir-opt %S 2>&1 | filecheck %s --check-prefix=DIR

// CHECK: cannot open input file '{{.*}}.none': No such file or directory
// DIR: cannot open input file '{{.*}}': Is a directory
