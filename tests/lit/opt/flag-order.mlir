// Passes run in the order of their flags.
// RUN: slipstick-opt %s --symbol-dce --inline --mlir-print-ir-before-all -o /dev/null 2>&1 | filecheck %s --check-prefix=DCE
// RUN: slipstick-opt %s --inline --symbol-dce | filecheck %s --check-prefix=INLINED

// DCE: IR Dump Before {{.*}}symbol-dce
// DCE: IR Dump Before {{.*}}inline

// INLINED-NOT: @callee
func.func private @callee(%x: i32) -> i32 {
  return %x : i32
}
func.func @caller(%x: i32) -> i32 {
  %y = call @callee(%x) : (i32) -> i32
  return %y : i32
}
