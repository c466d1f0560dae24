// RUN: slipstick-opt %s --schedule-attention="vector-bits=256 vector-registers=16" --lower-attention | filecheck %s
// RUN: slipstick-opt %s --schedule-attention --lower-attention=parallel=true | filecheck %s --check-prefix=PARALLEL

#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>
#mask = affine_map<(t, s) -> (s)>
#id = affine_map<(t, s) -> (t, s)>

// The views of a head stay, the mask of keys alone is read with a row stride of 0, and buffers are made once.
// CHECK-LABEL: func.func @decided
// CHECK:         %[[PK:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x16x16xf32>
// CHECK:         scf.for %[[H:.*]] = %{{.*}} to %c4{{.*}} step
// CHECK:           memref.subview %{{.*}}[0, %[[H]], 0] [5, 1, 16]
// CHECK:           memref.reinterpret_cast {{.*}} strides: [0, 1]
// CHECK:           call @slipstick_attention_0
// CHECK:         memref.dealloc %[[PK]]
// CHECK-NOT:     linalg.matmul

// PARALLEL:      scf.parallel (%[[H:.*]]) =
// PARALLEL:        memref.alloc()
// PARALLEL:        call @slipstick_attention_0
// PARALLEL:        memref.dealloc
func.func @decided(%q: memref<5x4x16xf32>, %k: memref<7x4x16xf32>, %v: memref<7x4x8xf32>, %m: memref<7xf32>, %o: memref<5x4x8xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%h) in (4) {
    %qh = memref.subview %q[0, %h, 0] [5, 1, 16] [1, 1, 1] : memref<5x4x16xf32> to memref<5x16xf32, strided<[64, 1], offset: ?>>
    %kh = memref.subview %k[0, %h, 0] [7, 1, 16] [1, 1, 1] : memref<7x4x16xf32> to memref<7x16xf32, strided<[64, 1], offset: ?>>
    %vh = memref.subview %v[0, %h, 0] [7, 1, 8] [1, 1, 1] : memref<7x4x8xf32> to memref<7x8xf32, strided<[32, 1], offset: ?>>
    %oh = memref.subview %o[0, %h, 0] [5, 1, 8] [1, 1, 1] : memref<5x4x8xf32> to memref<5x8xf32, strided<[32, 1], offset: ?>>
    %s = memref.alloc() : memref<5x7xf32>
    linalg.fill ins(%zero : f32) outs(%s : memref<5x7xf32>)
    linalg.matmul indexing_maps = [#mk, #nk, #mn]
      ins(%qh, %kh : memref<5x16xf32, strided<[64, 1], offset: ?>>, memref<7x16xf32, strided<[64, 1], offset: ?>>) outs(%s : memref<5x7xf32>)
    linalg.generic {indexing_maps = [#mask, #id], iterator_types = ["parallel", "parallel"]} ins(%m : memref<7xf32>) outs(%s : memref<5x7xf32>) {
    ^bb0(%a: f32, %b: f32):
      %x = arith.addf %a, %b : f32
      linalg.yield %x : f32
    }
    linalg.fill ins(%zero : f32) outs(%oh : memref<5x8xf32, strided<[32, 1], offset: ?>>)
    linalg.matmul ins(%s, %vh : memref<5x7xf32>, memref<7x8xf32, strided<[32, 1], offset: ?>>) outs(%oh : memref<5x8xf32, strided<[32, 1], offset: ?>>)
    memref.dealloc %s : memref<5x7xf32>
  } {slipstick.attention = {scale = 1.0 : f32}}
  return
}

// A body that another pass has rewritten becomes a plain loop.
// CHECK-LABEL: func.func @rewritten
// CHECK:         scf.for
// CHECK-NEXT:      linalg.fill
// CHECK-NOT:     scf.forall
func.func @rewritten(%o: memref<4xf32>) {
  %zero = arith.constant 0.0 : f32
  scf.forall (%h) in (4) {
    linalg.fill ins(%zero : f32) outs(%o : memref<4xf32>)
  } {slipstick.attention = {scale = 1.0 : f32}}
  return
}

// CHECK-LABEL: func.func private @slipstick_attention_0(
// CHECK-SAME:    memref<1x16x16xf32>, %{{.*}}: memref<7x8xf32>, %{{.*}}: memref<4x16xf32>)
// CHECK:         math.exp %{{.*}} : vector<8xf32>
