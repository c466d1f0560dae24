// The stages of the compiler one after the other, each fed with what the one before wrote.
// RUN: slipstick-opt %s --stage-rewritten -o %t.rewritten.mlir
// RUN: slipstick-opt %t.rewritten.mlir --stage-scheduled -o %t.scheduled.mlir
// RUN: slipstick-opt %t.scheduled.mlir --stage-loops -o %t.loops.mlir
// RUN: slipstick-opt %t.loops.mlir --stage-llvm -o %t.llvm.mlir
// RUN: filecheck %s --check-prefix=REWRITTEN --input-file %t.rewritten.mlir
// RUN: filecheck %s --check-prefix=SCHEDULED --input-file %t.scheduled.mlir
// RUN: filecheck %s --check-prefix=LOOPS --input-file %t.loops.mlir
// RUN: filecheck %s --check-prefix=LLVM --input-file %t.llvm.mlir
// A decision is edited between two stages.
// RUN: %python -c "import sys; sys.stdout.write(open(sys.argv[1]).read().replace('register_tile = [6, 16]', 'register_tile = [2, 8]'))" %t.scheduled.mlir | slipstick-opt --stage-loops | filecheck %s --check-prefix=EDITED
// RUN: slipstick-opt %t.scheduled.mlir --stage-loops=parallel=true | slipstick-opt --stage-llvm=parallel=true | filecheck %s --check-prefix=PARALLEL

// The transpose is folded, bias and rectifier are one operation, the entry is known.
// REWRITTEN:      module attributes {slipstick.entry = @main, slipstick.signature = (tensor<?x32xf32>, tensor<64x32xf32>, tensor<64xf32>) -> tensor<?x64xf32>, slipstick.stage = "rewritten"}
// REWRITTEN-NOT:  linalg.transpose
// REWRITTEN:      linalg.matmul indexing_maps
// REWRITTEN-NOT:  slipstick.decision
// REWRITTEN:      linalg.generic
// REWRITTEN:        arith.addf
// REWRITTEN-NEXT:   arith.maximumf
// REWRITTEN-NOT:  linalg.generic

// SCHEDULED:      slipstick.stage = "scheduled"
// SCHEDULED:      linalg.matmul {{.*}}slipstick.decision = {k_block = 32 : i64, k_unroll = 4 : i64, kind = "packed", m_block = 2046 : i64, pack_depth = 32 : i64, pack_left = false, prefetch = 1 : i64, register_tile = [6, 16], vector = 8 : i64}

// No tensors and no linalg left; the product is a kernel, the rest of the layer another.
// LOOPS:          slipstick.stage = "loops"
// LOOPS-NOT:      linalg.
// LOOPS-NOT:      tensor.
// LOOPS:          func.func @main(%{{.*}}: memref<?x32xf32>{{.*}}) -> memref<?x64xf32>
// LOOPS:            call @slipstick_contraction_0
// LOOPS-NOT:      linalg.
// LOOPS:          func.func private @slipstick_contraction_0_panel
// LOOPS:            vector.fma {{.*}} : vector<8xf32>
// LOOPS-NOT:      linalg.

// EDITED:         memref.alloca() {{.*}} : memref<32x8xf32>

// LLVM:           slipstick.assert_messages = []
// LLVM-SAME:      slipstick.stage = "llvm"
// LLVM-NOT:       func.func
// LLVM:           llvm.func internal @main
// LLVM:           llvm.func @_mlir_ciface_main
// LLVM-NOT:       func.func

// PARALLEL:       omp.parallel
func.func @main(%x: tensor<?x32xf32>, %w: tensor<64x32xf32>, %b: tensor<64xf32>) -> tensor<?x64xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %rows = tensor.dim %x, %c0 : tensor<?x32xf32>
  %we = tensor.empty() : tensor<32x64xf32>
  %t = linalg.transpose ins(%w : tensor<64x32xf32>) outs(%we : tensor<32x64xf32>) permutation = [1, 0]
  %e = tensor.empty(%rows) : tensor<?x64xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x64xf32>) -> tensor<?x64xf32>
  %p = linalg.matmul ins(%x, %t : tensor<?x32xf32>, tensor<32x64xf32>) outs(%init : tensor<?x64xf32>) -> tensor<?x64xf32>
  %s = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%p, %b : tensor<?x64xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%v: f32, %bias: f32, %o: f32):
    %sum = arith.addf %v, %bias : f32
    linalg.yield %sum : f32
  } -> tensor<?x64xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%v: f32, %o: f32):
    %max = arith.maximumf %v, %zero : f32
    linalg.yield %max : f32
  } -> tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}
