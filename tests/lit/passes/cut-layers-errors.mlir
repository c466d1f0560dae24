// RUN: slipstick-opt %s --pass-pipeline="builtin.module(cut-layers{min-operations=3})" --split-input-file --verify-diagnostics

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

// A second value that goes from layer to layer.
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %y : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.mulf %1, %y : tensor<4xf32>
  // expected-error @+1 {{cannot find the layers: expected one value that a layer hands to the next, the hidden state, found 2}}
  %3 = arith.addf %2, %1 : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %1 : tensor<4xf32>
  %6 = arith.subf %5, %4 : tensor<4xf32>
  return %6 : tensor<4xf32>
}

// -----

// The hidden state of the first layer is read behind the second one.
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = arith.addf %x, %y : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.mulf %1, %1 : tensor<4xf32>
  %3 = arith.addf %2, %y : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %4 : tensor<4xf32>
  // expected-error @+1 {{cannot find the layers: the hidden state behind a layer is read outside the next layer}}
  %6 = arith.subf %5, %2 : tensor<4xf32>
  return %6 : tensor<4xf32>
}

// -----

// A layer returns what is no argument that it has written into.
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = arith.addf %x, %y : tensor<4xf32>
  // expected-error @+1 {{cannot find the layers: a layer makes more than its hidden state and arguments that it writes slices of: it cannot be left out}}
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.mulf %1, %1 : tensor<4xf32>
  %3 = arith.addf %2, %y : tensor<4xf32>
  %4 = math.exp %3 : tensor<4xf32>
  %5 = arith.mulf %4, %4 : tensor<4xf32>
  return %5, %1, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
