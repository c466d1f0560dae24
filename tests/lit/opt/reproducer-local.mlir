// The local reproducer holds the failing pass alone, and the IR as it was before that pass.
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,inline),canonicalize)' --mlir-pass-pipeline-crash-reproducer=%t --mlir-pass-pipeline-local-reproducer 2>&1
// RUN: filecheck %s --input-file %t

// CHECK: arith.addi
// CHECK-NOT: arith.addi
// CHECK: pipeline: "builtin.module(func.func(inline))"
func.func @f(%x: i32) -> (i32, i32) {
  %0 = arith.addi %x, %x : i32
  %1 = arith.addi %x, %x : i32
  return %0, %1 : i32, i32
}
