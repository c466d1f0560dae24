// What was decided is told, a file's decision is written into the IR, an illegal one is an error at its operation.
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' --decide='record target=znver4' -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir
// RUN: %python %S/Inputs/edit-decisions.py %t.mlir k_unroll 8 > %t.json
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' --decide='target=znver4 decisions=%t.json' | filecheck %s --check-prefix=EDITED
// RUN: %python %S/Inputs/edit-decisions.py %t.mlir k_unroll 0 > %t.illegal.json
// RUN: not slipstick-opt %s --schedule-contractions --decide='target=znver4 decisions=%t.illegal.json' 2>&1 | filecheck %s --check-prefix=ILLEGAL
// RUN: not slipstick-opt %s --decide=policy=guess 2>&1 | filecheck %s --check-prefix=POLICY
// RUN: not slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32' --decide='policy=search target=neoverse-v2' 2>&1 | filecheck %s --check-prefix=FOREIGN

// CHECK:         module attributes {slipstick.decisions = "[{\22key\22: \22{{[0-9a-f]+-[0-9a-f]+}}\22, \22target\22: \22znver4\22, \22what\22: \22matmul 20x64, depth 24, f32, weights\22, \22policy\22: \22heuristic\22
// EDITED:        linalg.matmul {slipstick.decision = {{{.*}}k_unroll = 8
// ILLEGAL:       nests[0]: expected sizes of at least 1, found
// POLICY:        option 'policy' expects heuristic|search|model, found 'guess'
// FOREIGN:       error: policy search: code for neoverse-v2 cannot be measured on this machine
func.func @main(%a: tensor<20x24xf32>, %b: tensor<24x64xf32> {slipstick.parameter}, %c: tensor<20x64xf32>) -> tensor<20x64xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<20x24xf32>, tensor<24x64xf32>) outs(%c : tensor<20x64xf32>) -> tensor<20x64xf32>
  return %0 : tensor<20x64xf32>
}
