// Faults of a stage are reported at their place, with no output.
// RUN: slipstick-opt %s --stage-rewritten --split-input-file --verify-diagnostics
// RUN: not slipstick-opt %s --stage-rewritten=lmul=perhaps 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not slipstick-opt %s --stage-rewritten='lmul=true mantissa-bits=0' --split-input-file 2>&1 | filecheck %s --check-prefix=BITS
// RUN: not slipstick-opt %s --stage-scheduled=vector-bits=7 2>&1 | filecheck %s --check-prefix=VECTOR
// RUN: echo "func.func @main() { return }" | not slipstick-opt --stage-llvm 2>&1 | filecheck %s --check-prefix=ENTRY

// OPTION: error: {{.*}}lmul{{.*}}perhaps
// BITS: mantissa_bits: expected an integer from 1 to 52, found 0
// VECTOR: vector-bits: expected a power of two from 64 to 4096, found 7
// ENTRY: error: expected the attribute slipstick.entry: run prepare-entry first

// expected-error @+1 {{expected a function named 'main' or exactly one public func.func with a body}}
module {
  func.func private @hidden()
}
