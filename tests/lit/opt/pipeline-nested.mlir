// A nested pipeline runs on the matching operations directly inside, not deeper.
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse))' | filecheck %s
// RUN: %mlir-opt %s --pass-pipeline='builtin.module(func.func(cse))' | filecheck %s
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(builtin.module(func.func(cse)))' | filecheck %s --check-prefix=DEEP
// RUN: %mlir-opt %s --pass-pipeline='builtin.module(builtin.module(func.func(cse)))' | filecheck %s --check-prefix=DEEP

// CHECK-LABEL: @outer
// CHECK:         arith.addi
// CHECK-NOT:     arith.addi
// CHECK-LABEL: @inner
// CHECK-COUNT-2: arith.addi
// DEEP-LABEL: @outer
// DEEP-COUNT-2: arith.addi
// DEEP-LABEL: @inner
// DEEP:         arith.addi
// DEEP-NOT:     arith.addi
func.func @outer(%x: i32) -> (i32, i32) {
  %a = arith.addi %x, %x : i32
  %b = arith.addi %x, %x : i32
  return %a, %b : i32, i32
}
module {
  func.func @inner(%x: i32) -> (i32, i32) {
    %a = arith.addi %x, %x : i32
    %b = arith.addi %x, %x : i32
    return %a, %b : i32, i32
  }
}
