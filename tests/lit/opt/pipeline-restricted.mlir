// A pass that is restricted to another operation is refused, before anything runs.
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(cse,func.func(refback-mlprogram-bufferize))' 2>&1 | filecheck %s
// RUN: not %mlir-opt %s --pass-pipeline='builtin.module(cse,func.func(refback-mlprogram-bufferize))' 2>&1 | filecheck %s

// CHECK: error: {{.*}}Can't add pass 'MLProgramBufferize' restricted to 'builtin.module' on a PassManager intended to run on 'func.func', did you intend to nest?
func.func @f() {
  return
}
