// RUN: slipstick-opt %s --prepare-entry --split-input-file --verify-diagnostics
// RUN: not slipstick-opt %s --pass-pipeline='builtin.module(func.func(prepare-entry))' --split-input-file 2>&1 | filecheck %s --check-prefix=ANCHOR

// ANCHOR: prepare-entry

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
}

// -----

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
  func.func @one() {
    return
  }
  func.func @two() {
    return
  }
}

// -----

// A declaration is no entry.
// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
  func.func private @main(tensor<4xf32>)
}

// -----

// expected-error @+1 {{slipstick.overwritten: expected the number of a result, found 1 : i64}}
func.func @main(%x: tensor<4xf32> {slipstick.overwritten = 1 : i64}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// expected-error @+1 {{slipstick.overwritten: argument 0: expected a tensor of one type with result 0, found tensor<4xf32> and f32}}
func.func @main(%x: tensor<4xf32> {slipstick.overwritten = 0 : i64}, %y: f32) -> f32 {
  return %y : f32
}

// -----

// expected-error @+1 {{slipstick.overwritten: expected a result of its own for each argument}}
func.func @main(%x: tensor<4xf32> {slipstick.overwritten = 0 : i64}, %y: tensor<4xf32> {slipstick.overwritten = 0 : i64}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
