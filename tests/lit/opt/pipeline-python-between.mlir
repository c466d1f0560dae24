// A pass of slipstick stands between upstream passes, at any nesting.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,lmul{mantissa-bits=3},canonicalize),symbol-dce)' | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,lmul{mantissa-bits=3},canonicalize),symbol-dce)' --dump-pass-pipeline -o /dev/null 2>&1 | filecheck %s --check-prefix=PIPELINE

// CHECK-LABEL: func.func @f
// CHECK-NOT:     arith.mulf
// CHECK:         arith.bitcast
// CHECK-NOT:   @unused
// PIPELINE: builtin.module(
// PIPELINE-NEXT: func.func(
// PIPELINE-NEXT: cse,
// PIPELINE-NEXT: lmul{mantissa-bits=3},
// PIPELINE-NEXT: canonicalize{
// PIPELINE-NEXT: ),
// PIPELINE-NEXT: symbol-dce
// PIPELINE-NEXT: )
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
func.func private @unused()
