// RUN: not slipstick-opt %s --pass-pipeline='func.func(cse)' 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --pass-pipeline='func.func(cse)' 2>&1 | filecheck %s
// RUN: not slipstick-opt %s --pass-pipeline='func.func(lmul)' 2>&1 | filecheck %s
// RUN: slipstick-opt %s --no-implicit-module --pass-pipeline='func.func(cse)' | filecheck %s --check-prefix=RUNS
// RUN: %mlir-opt %s --no-implicit-module --pass-pipeline='func.func(cse)' | filecheck %s --check-prefix=RUNS

// CHECK: error: can't run 'func.func' pass manager on 'builtin.module' op
// RUNS: func.func @f
func.func @f() {
  return
}
