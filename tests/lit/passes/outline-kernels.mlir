// Each linalg operation on memrefs becomes a function; equal ones become one.
// RUN: slipstick-opt %s --outline-kernels | filecheck %s

#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d0)>

// Constants are copied into the kernel, other values become arguments.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.*]]: memref<4x8xf32>, %[[Y:.*]]: memref<4x8xf32>, %[[S:.*]]: f32, %[[OK:.*]]: i1)
// CHECK:         %[[A:.*]] = memref.alloc() : memref<4x8xf32>
// CHECK:         call @slipstick_kernel_0(%[[X]], %[[A]], %[[S]]) : (memref<4x8xf32>, memref<4x8xf32>, f32) -> ()
// CHECK:         %[[B:.*]] = memref.alloc() : memref<4x8xf32>
// CHECK:         call @slipstick_kernel_0(%[[Y]], %[[B]], %[[S]])
// CHECK:         call @slipstick_kernel_1(%[[A]], %[[Y]], %[[S]])
// CHECK:         call @slipstick_kernel_2(%[[A]], %[[R:.*]])
// CHECK:         call @slipstick_kernel_3(%[[A]])
// A failed assertion returns from the entry, so what holds one stays there.
// CHECK:         linalg.generic
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      cf.assert %[[OK]]

// Operations on tensors are left alone.
// CHECK-LABEL: func.func @tensors
// CHECK:         linalg.fill

// Its allocation is reached by no other argument: noalias. Both loops of the result are parallel.
// CHECK:       func.func private @slipstick_kernel_0(%{{.*}}: memref<4x8xf32>, %{{.*}}: memref<4x8xf32>, %[[F:.*]]: f32) attributes {slipstick.noalias = array<i64: 0, 1>, slipstick.parallel_loops = 2 : i64}
// CHECK-NEXT:    %[[C:.*]] = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:    linalg.generic
// CHECK:           arith.addf %{{.*}}, %[[C]]
// CHECK:           arith.mulf %{{.*}}, %[[F]]
// An argument of the entry is written, which may share its memory with another.
// CHECK:       func.func private @slipstick_kernel_1({{.*}}) attributes {slipstick.noalias = array<i64>, slipstick.parallel_loops = 2 : i64}
// A reduction inside is not parallel.
// CHECK:       func.func private @slipstick_kernel_2({{.*}}) attributes {slipstick.noalias = array<i64: 0, 1>, slipstick.parallel_loops = 1 : i64}
// Named operations are outlined as well.
// CHECK:       func.func private @slipstick_kernel_3({{.*}}) attributes {{.*}}slipstick.parallel_loops = 2 : i64}
// CHECK:         linalg.fill
func.func @main(%x: memref<4x8xf32>, %y: memref<4x8xf32>, %s: f32, %ok: i1) {
  %one = arith.constant 1.0 : f32
  %a = memref.alloc() : memref<4x8xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<4x8xf32>) outs(%a : memref<4x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.addf %v, %one : f32
    %u = arith.mulf %t, %s : f32
    linalg.yield %u : f32
  }
  %b = memref.alloc() : memref<4x8xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%y : memref<4x8xf32>) outs(%b : memref<4x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.addf %v, %one : f32
    %u = arith.mulf %t, %s : f32
    linalg.yield %u : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.addf %v, %one : f32
    %u = arith.mulf %t, %s : f32
    linalg.yield %u : f32
  }
  %r = memref.alloc() : memref<4xf32>
  linalg.generic {indexing_maps = [#id, #col], iterator_types = ["parallel", "reduction"]}
    ins(%a : memref<4x8xf32>) outs(%r : memref<4xf32>) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.addf %v, %o : f32
    linalg.yield %t : f32
  }
  linalg.fill ins(%one : f32) outs(%a : memref<4x8xf32>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<4x8xf32>) outs(%a : memref<4x8xf32>) {
  ^bb0(%v: f32, %o: f32):
    cf.assert %ok, "not ok"
    linalg.yield %v : f32
  }
  return
}
func.func @tensors(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant 1.0 : f32
  %0 = linalg.fill ins(%one : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
