// RUN: slipstick-opt %s --pass-pipeline="builtin.module(skip-decode{min-operations=3 min-layers=2 max-layers=4 warmup=1})" --split-input-file --verify-diagnostics

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
}

// -----

// expected-error @+1 {{cannot find the layers: no stretch of at least 3 operations repeats: there are no layers}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{expected warmup <= min-layers <= max-layers <= 2 (the layers of the graph), and min-layers of at least 1; found warmup=1 min-layers=2 max-layers=4}}
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %y : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.mulf %1, %1 : tensor<4xf32>
  %3 = arith.addf %2, %y : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %4 : tensor<4xf32>
  return %5 : tensor<4xf32>
}
