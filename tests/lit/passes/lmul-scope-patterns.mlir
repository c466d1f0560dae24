// Scopes by the name of an operation, by the layer it comes from, and several joined.
// RUN: slipstick-opt %s --lmul-mark=scope=op:linalg.batch_* | filecheck %s --check-prefix=OP
// RUN: slipstick-opt %s --pass-pipeline='builtin.module(lmul-mark{scope="layer:encoder.layer.[0-3].*"})' | filecheck %s --check-prefix=LAYER
// RUN: slipstick-opt %s --lmul-mark=scope=elementwise+op:linalg.matmul | filecheck %s --check-prefix=JOINED
// RUN: slipstick-opt %s --lmul='scope="layer:*.query"' --mlir-pass-statistics -o /dev/null 2>&1 | filecheck %s --check-prefix=COUNT
// RUN: not slipstick-opt %s --lmul=scope=heads 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not slipstick-opt %s --lmul-mark=scope=linear+layer: 2>&1 | filecheck %s --check-prefix=EMPTY

// COUNT: 1 multiplies rewritten
// UNKNOWN: error: lmul: LMul: scope: expected attention, linear, elementwise, all, op:PATTERN or layer:PATTERN, joined by +, found 'heads'
// EMPTY: error: lmul-mark: LMul: scope: expected {{.*}}, found 'linear+layer:'

// OP-LABEL: func.func @model
// LAYER-LABEL: func.func @model
// JOINED-LABEL: func.func @model
func.func @model(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>, %b: tensor<2x8x8xf32>, %s: f32) -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<2x8x8xf32>, f32) {
  // OP:     linalg.matmul {slipstick.layer = "encoder.layer.0.query"}
  // LAYER:  linalg.matmul {slipstick.layer = "encoder.layer.0.query", slipstick.lmul = {{.*}}scope = "linear"
  // JOINED: linalg.matmul {slipstick.layer = "encoder.layer.0.query", slipstick.lmul =
  %0 = linalg.matmul {slipstick.layer = "encoder.layer.0.query"}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  // OP:     linalg.matmul {slipstick.layer = "encoder.layer.11.key"}
  // LAYER:  linalg.matmul {slipstick.layer = "encoder.layer.11.key"} ins
  // JOINED: linalg.matmul {slipstick.layer = "encoder.layer.11.key", slipstick.lmul =
  %1 = linalg.matmul {slipstick.layer = "encoder.layer.11.key"}
    ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  // OP:     linalg.batch_matmul {slipstick.lmul =
  // LAYER:  linalg.batch_matmul ins
  // JOINED: linalg.batch_matmul ins
  %2 = linalg.batch_matmul ins(%b, %b : tensor<2x8x8xf32>, tensor<2x8x8xf32>) outs(%b : tensor<2x8x8xf32>) -> tensor<2x8x8xf32>
  // OP:     arith.mulf %{{.*}}, %{{.*}} : f32
  // LAYER:  arith.mulf %{{.*}}, %{{.*}} : f32
  // JOINED: arith.mulf {{.*}} {slipstick.lmul = {{.*}}scope = "elementwise"
  %3 = arith.mulf %s, %s : f32
  return %0, %1, %2, %3 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<2x8x8xf32>, f32
}
