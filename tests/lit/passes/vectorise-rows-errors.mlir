// RUN: not slipstick-opt %s --vectorise-rows=vector-bits=48 2>&1 | filecheck %s --check-prefix=BITS
// RUN: not slipstick-opt %s --vectorise-rows=registers=3 2>&1 | filecheck %s --check-prefix=REGISTERS

// BITS: error: vector-bits: expected a power of two from 32 on, found 48
// REGISTERS: error: registers: expected a power of two, found 3
func.func @f() {
  return
}
