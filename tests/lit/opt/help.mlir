// RUN: slipstick-opt --help | filecheck %s
// RUN: slipstick-opt --list-passes | filecheck %s --check-prefix=PASSES
// RUN: slipstick-opt --show-dialects | filecheck %s --check-prefix=DIALECTS
// RUN: slipstick-opt --version | filecheck %s --check-prefix=VERSION

// CHECK: USAGE: slipstick-opt [options] <input file>
// CHECK: --pass-pipeline=<string>
// CHECK: slipstick passes:
// CHECK: --lmul
// CHECK-NEXT: mantissa-bits=<an integer>
// CHECK: slipstick stages
// CHECK: --stage-llvm
// CHECK: MLIR passes and pipelines:
// CHECK: --canonicalize {{.*}}- Canonicalize operations
// CHECK: max-iterations=10
// PASSES: slipstick passes:
// PASSES: --cse {{.*}}- Eliminate common sub-expressions
// DIALECTS: Available Dialects: {{.*}}arith,{{.*}}linalg,{{.*}}vector
// VERSION: slipstick-opt {{[0-9.]+}}
// VERSION-NEXT: torch-mlir {{.*}}LLVM
