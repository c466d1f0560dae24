// More mantissa bits than the type has are refused where the type is multiplied in.
// RUN: slipstick-opt %s --lmul=mantissa-bits=11 --split-input-file --verify-diagnostics
// RUN: slipstick-opt %s --lmul-mark=mantissa-bits=11 --split-input-file --verify-diagnostics

func.func @fits(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}

// -----

func.func @scalar(%x: bf16) -> bf16 {
  // expected-error @+1 {{'arith.mulf': L-Mul: mantissa bits: expected at most 7, those of bf16, found 11}}
  %0 = arith.mulf %x, %x : bf16
  return %0 : bf16
}

// -----

func.func @vector(%x: vector<4xf16>) -> vector<4xf16> {
  // expected-error @+1 {{'vector.fma': L-Mul: mantissa bits: expected at most 10, those of f16, found 11}}
  %0 = vector.fma %x, %x, %x : vector<4xf16>
  return %0 : vector<4xf16>
}
