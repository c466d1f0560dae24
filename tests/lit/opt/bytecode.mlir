// Bytecode goes both ways between the two tools, locations included.
// RUN: slipstick-opt %s --emit-bytecode -o %t.ours
// RUN: %mlir-opt %s --emit-bytecode -o %t.theirs
// RUN: diff %t.ours %t.theirs
// RUN: slipstick-opt %t.theirs --mlir-print-debuginfo | filecheck %s
// RUN: %mlir-opt %t.ours --mlir-print-debuginfo | filecheck %s
// RUN: cat %t.ours | slipstick-opt | filecheck %s

// CHECK: func.func @f
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
