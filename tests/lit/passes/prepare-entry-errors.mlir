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
