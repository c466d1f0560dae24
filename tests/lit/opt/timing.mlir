// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,lmul),canonicalize)' --mlir-timing -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --cse --lmul --mlir-timing --mlir-timing-display=list -o /dev/null 2>&1 | filecheck %s --check-prefix=LIST

// CHECK: ... Execution time report ...
// CHECK: Total Execution Time: {{[0-9.]+}} seconds
// CHECK: ----Wall Time---- ----Name----
// CHECK-NEXT: Parser
// CHECK-NEXT: 'func.func' Pipeline
// CHECK-NEXT: cse
// CHECK-NEXT: RewriteMultiplies
// CHECK-NEXT: canonicalize
// CHECK-NEXT: Output
// CHECK-NEXT: Rest
// CHECK-NEXT: (100.0%) Total
// LIST: Execution time report
// LIST-DAG: cse
// LIST-DAG: RewriteMultiplies
// LIST: (100.0%) Total
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
