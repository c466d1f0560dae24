// Every kind of place an expectation can name.
// RUN: slipstick-opt %s --split-input-file --verify-diagnostics -o /dev/null
// RUN: %mlir-opt %s --split-input-file --verify-diagnostics -o /dev/null

func.func @same_line() -> i32 {
  return // expected-error {{has 0 operands}}
}
// -----
func.func @next_line() -> i32 {
  // expected-error@+1 {{has 0 operands}}
  return
}
// -----
func.func @previous_line() -> i32 {
  return
  // expected-error@-1 {{has 0 operands}}
}
// -----
func.func @above_and_below() -> i32 {
  // expected-error@below {{has 0 operands}}
  return
}
// -----
func.func @above() -> i32 {
  return
  // expected-error@above {{has 0 operands}}
}
// -----
func.func @regex() -> i32 {
  // expected-error-re@below {{has {{[0-9]+}} operands, but {{.*}} returns 1}}
  return
}
// -----
// expected-error@unknown {{has 0 operands}}
func.func @unknown_location() -> i32 {
  return loc(unknown)
}
// -----
// expected-note@below {{see existing symbol definition here}}
func.func @twice() { return }
// expected-error@below {{redefinition of symbol named 'twice'}}
func.func @twice() { return }
