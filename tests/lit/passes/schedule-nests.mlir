// Rows and element-wise operations get a decision; what is there already stays, and so do epilogues and sums alone.
// RUN: slipstick-opt %s --schedule-nests='vector-bits=512 vector-registers=32' | filecheck %s
// RUN: slipstick-opt %s --schedule-nests='vector-bits=256 vector-registers=16' | filecheck %s --check-prefix=FEW
// RUN: not slipstick-opt %s --schedule-nests=vector-bits=48 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: error: schedule-nests: vector-bits: expected a power of two from 64 to 4096, found 48

#i = affine_map<(d0, d1) -> (d0, d1)>
#r = affine_map<(d0, d1) -> (d0)>

// CHECK-LABEL: func.func @main
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 8 : i64, kind = "nest", pair = false, straight = 16 : i64, vector_bits = 512 : i64}
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 1 : i64, kind = "nest", pair = false, straight = 0 : i64, vector_bits = 256 : i64}
// CHECK:         linalg.generic
// CHECK-NOT:     slipstick.decision
// CHECK:         linalg.yield
func.func @main(%x: tensor<4x512xf32>) -> (tensor<4x512xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4x512xf32>
  %s = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<4x512xf32>) outs(%e : tensor<4x512xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x512xf32>
  %1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%0 : tensor<4x512xf32>) outs(%e : tensor<4x512xf32>)
    attrs = {slipstick.decision = {kind = "nest", interleave = 1 : i64, pair = false, straight = 0 : i64, vector_bits = 256 : i64}} {
  ^bb0(%a: f32, %o: f32):
    %n = math.absf %a : f32
    linalg.yield %n : f32
  } -> tensor<4x512xf32>
  %2 = linalg.generic {indexing_maps = [#i, #r], iterator_types = ["parallel", "reduction"]}
    ins(%1 : tensor<4x512xf32>) outs(%s : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  return %1, %2 : tensor<4x512xf32>, tensor<4xf32>
}

// Short rows of element-wise operations: few registers at a time, and narrow ones where a row does not fill a wide one.
// CHECK-LABEL: func.func @short
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 1 : i64, kind = "nest", pair = false, straight = 16 : i64, vector_bits = 512 : i64}
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 1 : i64, kind = "nest", pair = false, straight = 16 : i64, vector_bits = 256 : i64}
// FEW-LABEL: func.func @short
// FEW:           linalg.generic {{.*}}slipstick.decision = {interleave = 2 : i64
func.func @short(%x: tensor<8x49xf32>, %y: tensor<8x14xf32>) -> (tensor<8x49xf32>, tensor<8x14xf32>) {
  %e = tensor.empty() : tensor<8x49xf32>
  %f = tensor.empty() : tensor<8x14xf32>
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<8x49xf32>) outs(%e : tensor<8x49xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<8x49xf32>
  %1 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%y : tensor<8x14xf32>) outs(%f : tensor<8x14xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<8x14xf32>
  return %0, %1 : tensor<8x49xf32>, tensor<8x14xf32>
}

// Elements of 64 bits take two registers where an f32 takes one: vectors of half as many.
// CHECK-LABEL: func.func @wide
// CHECK:         linalg.generic {{.*}}slipstick.decision = {interleave = 1 : i64, kind = "nest", pair = false, straight = 16 : i64, vector_bits = 256 : i64}
// FEW-LABEL: func.func @wide
// FEW:           linalg.generic {{.*}}vector_bits = 256 : i64}
func.func @wide(%x: tensor<8x128xi64>, %one: f32, %zero: f32) -> tensor<8x128xf32> {
  %e = tensor.empty() : tensor<8x128xf32>
  %least = arith.constant 3 : i64
  %0 = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel", "parallel"]}
    ins(%x : tensor<8x128xi64>) outs(%e : tensor<8x128xf32>) {
  ^bb0(%a: i64, %o: f32):
    %c = arith.cmpi sge, %a, %least : i64
    %n = arith.select %c, %one, %zero : f32
    linalg.yield %n : f32
  } -> tensor<8x128xf32>
  return %0 : tensor<8x128xf32>
}

// Rows of two columns in pairs; of four, which fill two rows' registers, in pairs only where there are many registers.
// CHECK-LABEL: func.func @rows
// CHECK:         } {slipstick.decision = {interleave = 8 : i64, kind = "nest", pair = true
// CHECK:         } {slipstick.decision = {interleave = 4 : i64, kind = "nest", pair = true
// FEW-LABEL: func.func @rows
// FEW:         } {slipstick.decision = {interleave = 4 : i64, kind = "nest", pair = true
// FEW:         } {slipstick.decision = {interleave = 4 : i64, kind = "nest", pair = false
#v = affine_map<(d0) -> (d0)>
func.func @rows(%x: tensor<4x64xf32>, %g: tensor<64xf32>, %b: tensor<64xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  %e = tensor.empty() : tensor<4x64xf32>
  %0 = scf.forall (%i) in (4) shared_outs(%o = %e) -> (tensor<4x64xf32>) {
    %r = tensor.extract_slice %x[%i, 0] [1, 64] [1, 1] : tensor<4x64xf32> to tensor<64xf32>
    %t = tensor.empty() : tensor<64xf32>
    %n = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%r : tensor<64xf32>) outs(%t : tensor<64xf32>) {
    ^bb0(%a: f32, %z: f32):
      %m = math.exp %a : f32
      linalg.yield %m : f32
    } -> tensor<64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %n into %o[%i, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<4x64xf32>
    }
  }
  %1 = scf.forall (%i) in (4) shared_outs(%o = %e) -> (tensor<4x64xf32>) {
    %r = tensor.extract_slice %x[%i, 0] [1, 64] [1, 1] : tensor<4x64xf32> to tensor<64xf32>
    %t = tensor.empty() : tensor<64xf32>
    %n = linalg.generic {indexing_maps = [#v, #v, #v, #v], iterator_types = ["parallel"]}
      ins(%r, %g, %b : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) outs(%t : tensor<64xf32>) {
    ^bb0(%a: f32, %c: f32, %d: f32, %z: f32):
      %m = math.fma %a, %c, %d : f32
      linalg.yield %m : f32
    } -> tensor<64xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %n into %o[%i, 0] [1, 64] [1, 1] : tensor<64xf32> into tensor<4x64xf32>
    }
  }
  return %0, %1 : tensor<4x64xf32>, tensor<4x64xf32>
}
