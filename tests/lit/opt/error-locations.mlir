// Where an operation says where it comes from, so does the message: the innermost file position, then the callers.
// RUN: not slipstick-opt %s --split-input-file 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --split-input-file 2>&1 | filecheck %s

// CHECK: kernel.py:3:7: error: 'func.return' op has 0 operands
// CHECK: model.py:40:5: note: called from
// CHECK: main.py:9:1: note: called from
func.func @call_site() -> i32 {
  return loc(callsite("kernel.py":3:7 at callsite("model.py":40:5 at "main.py":9:1)))
}
// -----
// CHECK: named.py:5:6: error: 'func.return' op has 0 operands
func.func @name() -> i32 {
  return loc("multiply"("named.py":5:6))
}
// -----
// CHECK: second.py:2:2: error: 'func.return' op has 0 operands
func.func @fused() -> i32 {
  return loc(fused[unknown, "second.py":2:2])
}
// -----
// CHECK: <unknown>:0: error: 'func.return' op has 0 operands
func.func @unknown() -> i32 {
  return loc(unknown)
}
// -----
// CHECK: <unknown>:0: error: loc("only a name"): 'func.return' op has 0 operands
func.func @only_name() -> i32 {
  return loc("only a name")
}
