// A decision comes before the options: registers half as wide, one at a time, and a loop.
// RUN: slipstick-opt %s --vectorise-rows="vector-bits=512 registers=4" | filecheck %s
// RUN: %python -c "import sys; sys.stdout.write(open(sys.argv[1]).read().replace('interleave = 1 :', 'interleave = 3 :'))" %s | not slipstick-opt --vectorise-rows 2>&1 | filecheck %s --check-prefix=WRONG

// WRONG: :{{[0-9]+}}:{{[0-9]+}}: error: slipstick.decision: expected a power of two from 1 to 64 for interleave, found 3

// CHECK-LABEL: func.func @f
// CHECK:         scf.for
// CHECK:           vector.load {{.*}}, vector<8xf32>
func.func @f(%x: memref<64xf32>, %y: memref<64xf32>) attributes {slipstick.parallel_loops = 1 : i64} {
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%x : memref<64xf32>) outs(%y : memref<64xf32>)
    attrs = {slipstick.decision = {kind = "nest", interleave = 1 : i64, pair = false, straight = 0 : i64, vector_bits = 256 : i64}} {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  return
}
