// Only passes that changed something.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,lmul,canonicalize))' --mlir-print-ir-after-all --mlir-print-ir-after-change -o /dev/null 2>&1 | filecheck %s

// CHECK: IR Dump After CSEPass: cse
// CHECK-NEXT: func.func @f
// CHECK-NOT: lmul
// CHECK-NOT: canonicalize
func.func @f(%x: i32) -> i32 {
  %0 = arith.muli %x, %x : i32
  %1 = arith.muli %x, %x : i32
  %2 = arith.addi %0, %1 : i32
  return %2 : i32
}
