// --mlir-generate-reproducer needs no failure; it keeps the IR before the pipeline, with slipstick's passes.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(lmul{mantissa-bits=3}),cse)' --mlir-generate-reproducer=%t -o %t.direct
// RUN: filecheck %s --input-file %t
// RUN: slipstick-opt %t --run-reproducer -o %t.again
// RUN: diff %t.direct %t.again

// CHECK: arith.mulf
// CHECK: mlir_reproducer: {
// CHECK-NEXT: pipeline: "builtin.module(func.func(lmul{mantissa-bits=3}),cse)",
// CHECK-NEXT: disable_threading: true,
// CHECK-NEXT: verify_each: true
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
