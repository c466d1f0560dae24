// RUN: slipstick-opt %s --lmul=scope=marked --split-input-file --verify-diagnostics
// RUN: not slipstick-opt %s --lmul=mantissa-bits=0 2>&1 | filecheck %s --check-prefix=BITS
// RUN: not slipstick-opt %s --lmul=rounding=up 2>&1 | filecheck %s --check-prefix=ROUNDING

// BITS: mantissa_bits: expected an integer from 1 to 52, found 0
// ROUNDING: option 'rounding' expects truncate|rne, found 'up'

func.func @value(%x: f32) -> f32 {
  // expected-error @+1 {{'arith.mulf': attribute 'slipstick.lmul' is no configuration of L-Mul: LMul: rounding: expected one of truncate, rne, found 'up'}}
  %0 = arith.mulf %x, %x {slipstick.lmul = {rounding = "up"}} : f32
  return %0 : f32
}

// -----

func.func @entry(%x: f32) -> f32 {
  // expected-error @+1 {{no such entry: 'bits'}}
  %0 = arith.mulf %x, %x {slipstick.lmul = {bits = 3 : i64}} : f32
  return %0 : f32
}

// -----

func.func @kind(%x: f32) -> f32 {
  // expected-error @+1 {{expected a dictionary, found unit}}
  %0 = arith.mulf %x, %x {slipstick.lmul} : f32
  return %0 : f32
}
