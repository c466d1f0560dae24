// A message has file, line, column, the source line and a caret.
// RUN: not slipstick-opt %s 2>&1 | filecheck %s --strict-whitespace
// RUN: not %mlir-opt %s 2>&1 | filecheck %s --strict-whitespace

//      CHECK:error-parse.mlir:9:23: error: use of undeclared SSA value name
// CHECK-NEXT:  %0 = arith.addi %x, %y : i32
// CHECK-NEXT:                      ^
func.func @f(%x: i32) {
  %0 = arith.addi %x, %y : i32
  return
}
