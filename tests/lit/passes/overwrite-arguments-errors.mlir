// RUN: slipstick-opt %s --overwrite-arguments --split-input-file --verify-diagnostics

// expected-error @+1 {{slipstick.overwrites: expected pairs of an argument and a result, found 3 : i64}}
module attributes {slipstick.overwrites = 3 : i64} {
  func.func @main() {
    return
  }
}

// -----

module attributes {slipstick.overwrites = [array<i64: 0, 0>]} {
  // expected-error @+1 {{argument 0 and result 0: expected memrefs of one type: bufferise first}}
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
}

// -----

module attributes {slipstick.overwrites = [array<i64: 0, 7>]} {
  // expected-error @+1 {{argument 0 and result 7: expected memrefs of one type: bufferise first}}
  func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
    return %x : memref<4xf32>
  }
}

// -----

module attributes {slipstick.overwrites = [array<i64: 0, 0>]} {
  // expected-error @+1 {{expected a function of one block to overwrite arguments of}}
  func.func @main(%x: memref<4xf32>) -> memref<4xf32> {
    cf.br ^end
  ^end:
    return %x : memref<4xf32>
  }
}

// -----

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module attributes {slipstick.overwrites = [array<i64: 0, 0>]} {
}
