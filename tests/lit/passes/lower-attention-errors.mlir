// A decision that cannot be applied is an error at its loop.
// RUN: slipstick-opt %s --lower-attention --split-input-file --verify-diagnostics

func.func @kind() {
  // expected-error @+1 {{slipstick.decision: expected kind "attention", found "skinny"}}
  scf.forall (%h) in (4) {
  } {slipstick.attention = {scale = 1.0 : f32}, slipstick.decision = {kind = "skinny", register_tile = [8, 48], vector = 16}}
  return
}

// -----

func.func @columns() {
  // expected-error @+1 {{expected tile columns in multiples of the vector (16), found 40}}
  scf.forall (%h) in (4) {
  } {slipstick.attention = {scale = 1.0 : f32}, slipstick.decision = {kind = "attention", register_tile = [8, 40], vector = 16}}
  return
}
