// A pass given by a flag takes its options as one word.
// RUN: slipstick-opt %s --canonicalize='max-iterations=3 top-down=false' --dump-pass-pipeline 2>&1 | filecheck %s
// RUN: %mlir-opt %s --canonicalize='max-iterations=3 top-down=false' --dump-pass-pipeline 2>&1 | filecheck %s

// CHECK: Pass Manager with 1 passes:
// CHECK: builtin.module(
// CHECK: canonicalize{{{.*}} max-iterations=3 {{.*}} top-down=false}
func.func @f() {
  return
}
