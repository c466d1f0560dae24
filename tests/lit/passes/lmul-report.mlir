// Each operation and each scope is reported before and after L-Mul; the estimates are called estimates.
// RUN: slipstick-opt %s --lmul-report -o /dev/null 2>&1 | filecheck %s --check-prefix=EXACT
// RUN: slipstick-opt %s --lmul-mark='scope=attention specials=finite' --lmul-report -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --lmul-mark --lmul-report=per-op=false 2>%t.report | filecheck %s --check-prefix=SAME
// RUN: filecheck %s --check-prefix=SUMS --input-file=%t.report

// EXACT:     remark: linear 'linalg.matmul' of f32 over 6x4x4: 96 multiplies, 96 adds; estimated 441.6 pJ, 163,808 multiplier gates
// EXACT-NOT: with L-Mul:
// EXACT:     remark: note: no multiply carries the mark 'slipstick.lmul': nothing changes with L-Mul; run lmul-mark first

// CHECK:      lmul-report.mlir:{{[0-9]+:[0-9]+}}: remark: linear 'linalg.matmul' of f32 over 6x4x4: 96 multiplies, 96 adds;
// CHECK:      remark: elementwise 'arith.mulf' of f32 over 6x4: 24 multiplies; estimated 88.8 pJ
// CHECK:      remark: attention 'linalg.matmul' of f32 over 6x6x4 in layer block.0: 144 multiplies, 144 adds; with L-Mul: 144 integer additions, 144 adds; estimated 662.4 pJ, 245,712 multiplier gates; with L-Mul 144 pJ, 65,376 gates
// CHECK:      remark: attention: 1 operation with 1 multiply in the code, 1 with L-Mul; executed in a call: 144 multiplies
// CHECK:      remark: linear: 1 operation with 1 multiply in the code; executed in a call: 96 multiplies, 96 adds;
// CHECK:      remark: all: 3 operations with 3 multiplies in the code, 1 with L-Mul; executed in a call: 264 multiplies, 240 adds; with L-Mul: 120 multiplies, 144 integer additions, 240 adds;
// CHECK-NEXT: remark: note: energies and gates are estimates for adder hardware, {{.*}} never a measurement
// CHECK-NEXT: remark: note: policy finite: clamping and shortening of L-Mul's operands are not counted
// CHECK-NOT:  remark:

// SAME: func.func @main
// SAME: linalg.matmul {slipstick.lmul = {
// SUMS-NOT: 'linalg.matmul'
// SUMS:     all: {{.*}} with L-Mul: 264 integer additions, 240 adds;
// SUMS:     note: policy ieee: L-Mul's comparisons and selections are not counted
func.func @main(%q: tensor<6x4xf32>, %w: tensor<4x4xf32>, %e: tensor<6x4xf32>, %f: tensor<6x6xf32>) -> tensor<6x6xf32> {
  %x = linalg.matmul ins(%q, %w : tensor<6x4xf32>, tensor<4x4xf32>) outs(%e : tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = arith.mulf %x, %x : tensor<6x4xf32>
  %t = tensor.empty() : tensor<4x6xf32>
  %z = linalg.transpose ins(%y : tensor<6x4xf32>) outs(%t : tensor<4x6xf32>) permutation = [1, 0]
  %s = linalg.matmul {slipstick.layer = "block.0"} ins(%x, %z : tensor<6x4xf32>, tensor<4x6xf32>) outs(%f : tensor<6x6xf32>) -> tensor<6x6xf32>
  return %s : tensor<6x6xf32>
}
