// Scalars and vectors in loops count as often as the loops run, where that can be told.
// RUN: slipstick-opt %s --lmul-report -o /dev/null --verify-diagnostics

// expected-remark@below {{elementwise: 5 operations with 4 multiplies in the code, 1 with L-Mul; executed in a call: 20 multiplies, 160 fused multiply-adds, 12 adds; with L-Mul: 20 multiplies, 160 integer additions, 172 adds, 1 operation left out that cannot be told;}}
// expected-remark@below {{all: 5 operations}}
// expected-remark@below {{note: energies and gates are estimates}}
// expected-remark@below {{note: policy finite}}
// expected-remark@below {{note: both branches of a conditional count as executed}}
// expected-remark@below {{note: operations whose executions cannot be told: 1; the sums leave them out}}
module {
func.func @main(%v: vector<8xf32>, %x: f32, %n: index, %test: i1) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c20 = arith.constant 20 : index
  scf.for %i = %c0 to %c20 step %c1 {
    // expected-remark@below {{elementwise 'vector.fma' of f32 over 8 executed 20 times: 160 fused multiply-adds; with L-Mul: 160 integer additions, 160 adds; estimated 736 pJ}}
    %0 = vector.fma %v, %v, %v {slipstick.lmul = {mantissa_bits = 4 : i64, rounding = "truncate", specials = "finite"}} : vector<8xf32>
    scf.if %test {
      // expected-remark@below {{elementwise 'arith.mulf' of f32 executed 20 times: 20 multiplies; estimated 74 pJ}}
      %1 = arith.mulf %x, %x : f32
    }
  }
  scf.for %i = %c4 to %c0 step %c1 {
    // expected-remark@below {{elementwise 'arith.mulf' of f32 executed 0 times: nothing; estimated 0 pJ, 0 multiplier gates}}
    %2 = arith.mulf %x, %x : f32
  }
  scf.parallel (%i, %j) = (%c0, %c0) to (%c4, %c20) step (%c1, %c20) {
    %half = vector.extract_strided_slice %v {offsets = [0], sizes = [4], strides = [1]} : vector<8xf32> to vector<4xf32>
    // expected-remark@below {{elementwise 'vector.reduction' of f32 over 4 executed 4 times: 12 adds;}}
    %3 = vector.reduction <add>, %half : vector<4xf32> into f32
  }
  scf.for %i = %c0 to %n step %c1 {
    // expected-remark@below {{elementwise 'arith.mulf' of f32: 1 multiply at each point; how often cannot be told}}
    %4 = arith.mulf %x, %x : f32
  }
  return
}
}
