// A pass that fails leaves a reproducer, which each tool can run; a good run leaves none.
// RUN: rm -f %t
// RUN: slipstick-opt %s --cse --mlir-pass-pipeline-crash-reproducer=%t -o /dev/null
// RUN: not ls %t
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,inline))' --mlir-pass-pipeline-crash-reproducer=%t 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: not slipstick-opt %t --run-reproducer 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not %mlir-opt %t --run-reproducer 2>&1 | filecheck %s --check-prefix=AGAIN
// RUN: not %mlir-opt %s --pass-pipeline='builtin.module(func.func(cse,inline))' --mlir-pass-pipeline-crash-reproducer=%t.theirs 2>&1 | filecheck %s --check-prefix=ERROR
// RUN: not slipstick-opt %t.theirs --run-reproducer 2>&1 | filecheck %s --check-prefix=AGAIN

// ERROR: error: Failures have been detected while processing an MLIR pass pipeline
// ERROR: note: Pipeline failed while executing [`{{.*}}` on 'func.func' operation: @f]: reproducer generated at `{{.*}}`
// AGAIN: error: 'func.func' op {{.*}}was scheduled to run under the inliner
func.func @f() {
  return
}
