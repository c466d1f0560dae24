// The tool verifies its input whatever --verify-each says; that flag is about the IR after each pass.
// RUN: slipstick-opt %s --cse --verify-each=false | filecheck %s
// RUN: slipstick-opt %s --cse --verify-each | filecheck %s
// RUN: %mlir-opt %s --cse --verify-each=0 | filecheck %s

// CHECK: func.func @f
func.func @f() {
  return
}
