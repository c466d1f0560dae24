// Pieces between markers are processed on their own; a piece that fails does not stop the others.
// RUN: not slipstick-opt %s --split-input-file 2>%t.err | filecheck %s
// RUN: filecheck %s --check-prefix=ERROR --input-file %t.err
// RUN: not %mlir-opt %s --split-input-file 2>%t.err | filecheck %s
// RUN: filecheck %s --check-prefix=ERROR --input-file %t.err

// CHECK: func.func @first
// CHECK: // -----
// CHECK-NOT: @second
// CHECK: // -----
// CHECK: func.func @third
func.func @first() {
  return
}
// -----
// ERROR: split-input.mlir:18:3: error: 'func.return' op has 0 operands
func.func @second() -> i32 {
  return
}
// -----
func.func @third() {
  return
}
