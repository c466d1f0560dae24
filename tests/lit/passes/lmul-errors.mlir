// What multiplies floats and is not rewritten is an error at its place, never silence.
// RUN: slipstick-opt %s --lmul --split-input-file --verify-diagnostics

func.func @fp8(%x: f8E4M3FN) -> f8E4M3FN {
  // expected-error @+1 {{'arith.mulf' multiplies f8E4M3FN, L-Mul only f16, bf16, f32, f64: widen it with arith-emulate-unsupported-floats first}}
  %0 = arith.mulf %x, %x : f8E4M3FN
  return %0 : f8E4M3FN
}

// -----

func.func @multi_reduction(%a: vector<4x8xf32>, %c: vector<4xf32>) -> vector<4xf32> {
  // expected-error @+1 {{'vector.multi_reduction' may multiply floats in a form that is not rewritten: lower it with lower-vector-multi-reduction first}}
  %0 = vector.multi_reduction <mul>, %a, %c [1] : vector<4x8xf32> to vector<4xf32>
  return %0 : vector<4xf32>
}

// -----

func.func @scan(%a: vector<4x8xf32>, %c: vector<4xf32>) -> vector<4xf32> {
  // expected-error @+1 {{'vector.scan' may multiply floats in a form that is not rewritten}}
  %0:2 = vector.scan <mul>, %a, %c {inclusive = true, reduction_dim = 1 : i64} : vector<4x8xf32>, vector<4xf32>
  return %0#1 : vector<4xf32>
}

// -----

func.func @scalable(%a: vector<[4]xf32>) -> f32 {
  // expected-error @+1 {{'vector.reduction' multiplies the lanes of a scalable vector, which are not rewritten}}
  %0 = vector.reduction <mul>, %a : vector<[4]xf32> into f32
  return %0 : f32
}

// -----

func.func @masked(%a: vector<4xf32>, %m: vector<4xi1>) -> f32 {
  // expected-error @+1 {{'vector.reduction' is masked: lower it with lower-vector-mask first}}
  %0 = vector.mask %m { vector.reduction <mul>, %a : vector<4xf32> into f32 } : vector<4xi1> -> f32
  return %0 : f32
}

// -----

func.func @complex(%x: complex<f32>) -> complex<f32> {
  // expected-error @+1 {{'complex.mul' may multiply floats in a form that is not rewritten: lower it with convert-complex-to-standard first}}
  %0 = complex.mul %x, %x : complex<f32>
  return %0 : complex<f32>
}

// -----

func.func @atomic(%x: f32, %m: memref<4xf32>, %i: index) {
  // expected-error @+1 {{'memref.atomic_rmw' may multiply floats in a form that is not rewritten: lower it with memref-expand first}}
  memref.atomic_rmw mulf %x, %m[%i] : (f32, memref<4xf32>) -> f32
  memref.atomic_rmw addf %x, %m[%i] : (f32, memref<4xf32>) -> f32
  return
}

// -----

func.func @parallel(%x: f32) -> f32 {
  // expected-error @+1 {{'affine.parallel' may multiply floats in a form that is not rewritten: write its product as a loop-carried arith.mulf first}}
  %0 = affine.parallel (%i) = (0) to (4) reduce ("mulf") -> (f32) {
    affine.yield %x : f32
  }
  return %0 : f32
}

// -----

func.func @unranked(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{'arith.mulf' multiplies unranked tensors, which are not rewritten}}
  %0 = arith.mulf %x, %x : tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

llvm.func @too_late(%x: f32) -> f32 {
  // expected-error @+1 {{'llvm.fmul' may multiply floats in a form that is not rewritten: run this pass before the conversion to LLVM}}
  %0 = llvm.fmul %x, %x : f32
  llvm.return %0 : f32
}

// -----

func.func @tosa(%a: tensor<1x4x4xf32>, %z: tensor<1xf32>) -> tensor<1x4x4xf32> {
  // expected-error @+1 {{'tosa.matmul' may multiply floats in a form that is not rewritten}}
  %0 = tosa.matmul %a, %a, %z, %z : (tensor<1x4x4xf32>, tensor<1x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}
