// Buffers of known sizes become views of one arena; those that live at different times share memory.
// RUN: slipstick-opt %s --plan-arena=stack-bytes=0 --canonicalize --split-input-file | filecheck %s
// RUN: slipstick-opt %s --plan-arena=stack-bytes=100000 --canonicalize --split-input-file | filecheck %s --check-prefix=STACK

// Three in a chain: the third takes the place of the first. Where they are freed does not matter.
// CHECK:       module attributes {slipstick.workspace_bytes = 2048 : i64}
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[AT:.*]] = arith.constant 1024 : index
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK:         %[[ARENA:.*]] = memref.alloc() {alignment = 64 : i64, slipstick.arena} : memref<2048xi8>
// CHECK-NEXT:    %[[A:.*]] = memref.view %[[ARENA]][%[[ZERO]]][] : memref<2048xi8> to memref<256xf32>
// CHECK-NEXT:    %[[B:.*]] = memref.view %[[ARENA]][%[[AT]]][] : memref<2048xi8> to memref<256xf32>
// CHECK-NEXT:    %[[C:.*]] = memref.view %[[ARENA]][%[[ZERO]]][] : memref<2048xi8> to memref<256xf32>
// CHECK-NEXT:    call @use(%{{.*}}, %[[A]])
// CHECK-NEXT:    call @use(%[[A]], %[[B]])
// CHECK-NEXT:    call @use(%[[B]], %[[C]])
// CHECK-NEXT:    call @use(%[[C]], %{{.*}})
// CHECK-NEXT:    memref.dealloc %[[ARENA]]
// CHECK-NEXT:    return
// STACK-LABEL: func.func @main
// STACK:         memref.alloca() {alignment = 64 : i64} : memref<2048xi8>
// STACK-LABEL: func.func private @use
func.func @main(%x: memref<256xf32>, %y: memref<256xf32>) {
  %a = memref.alloc() : memref<256xf32>
  %b = memref.alloc() : memref<256xf32>
  %c = memref.alloc() : memref<256xf32>
  call @use(%x, %a) : (memref<256xf32>, memref<256xf32>) -> ()
  call @use(%a, %b) : (memref<256xf32>, memref<256xf32>) -> ()
  call @use(%b, %c) : (memref<256xf32>, memref<256xf32>) -> ()
  call @use(%c, %y) : (memref<256xf32>, memref<256xf32>) -> ()
  memref.dealloc %a : memref<256xf32>
  memref.dealloc %b : memref<256xf32>
  memref.dealloc %c : memref<256xf32>
  return
}
func.func private @use(%from: memref<256xf32>, %to: memref<256xf32>) {
  memref.copy %from, %to : memref<256xf32> to memref<256xf32>
  return
}

// -----

// A view keeps its buffer alive, and a loop all that is used within from its beginning to its end: %b and %c, of one
// iteration, share memory; %a is in use up to the end.
// CHECK:       slipstick.workspace_bytes = 128
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[C64:.*]] = arith.constant 64 : index
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         memref.view %[[ARENA:.*]][%[[C0]]][]
// CHECK:         scf.for
// CHECK:           %[[B:.*]] = memref.view %[[ARENA]][%[[C64]]][]
// CHECK-NEXT:      linalg.fill ins(%{{.*}}) outs(%[[B]]
// CHECK-NEXT:      %[[C:.*]] = memref.view %[[ARENA]][%[[C64]]][]
// CHECK-NEXT:      linalg.fill ins(%{{.*}}) outs(%[[C]]
func.func @main(%v: f32, %n: index) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %a = memref.alloc() : memref<4x4xf32>
  %row = memref.collapse_shape %a [[0, 1]] : memref<4x4xf32> into memref<16xf32>
  linalg.fill ins(%v : f32) outs(%a : memref<4x4xf32>)
  scf.for %i = %0 to %n step %1 {
    memref.store %v, %row[%i] : memref<16xf32>
    %b = memref.alloc() : memref<16xf32>
    linalg.fill ins(%v : f32) outs(%b : memref<16xf32>)
    memref.dealloc %b : memref<16xf32>
    %c = memref.alloc() : memref<16xf32>
    linalg.fill ins(%v : f32) outs(%c : memref<16xf32>)
    memref.dealloc %c : memref<16xf32>
  }
  memref.dealloc %a : memref<4x4xf32>
  return
}

// -----

// A private function is given memory by its callers: at each call a part that nothing else lives in. It may lie where
// a buffer of the caller's was before.
// CHECK:       slipstick.workspace_bytes = 192
// CHECK-LABEL: func.func @main
// CHECK-DAG:     %[[C128:.*]] = arith.constant 128 : index
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK:         %[[A:.*]] = memref.view %[[ARENA:.*]][%[[C128]]][] : memref<192xi8> to memref<16xf32>
// CHECK-NEXT:    %[[PART:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<192xi8> to memref<128xi8>
// CHECK-NEXT:    call @outer(%[[A]], %[[PART]])
// CHECK:         %[[FIRST:.*]] = memref.view %[[ARENA]][%[[C0]]][] : memref<192xi8> to memref<128xi8>
// CHECK-NEXT:    call @outer(%{{.*}}, %[[FIRST]])
// CHECK-LABEL: func.func private @outer
// CHECK-SAME:    %[[GIVEN:[a-z0-9]*]]: memref<128xi8>) attributes {slipstick.noalias = array<i64: 1>}
// CHECK:         memref.view %[[GIVEN]]
// CHECK:         memref.view %[[GIVEN]]
// CHECK:         call @inner
// CHECK-LABEL: func.func private @inner
// CHECK-SAME:    memref<16xf32>, %{{.*}}: memref<64xi8>)
// CHECK-NOT:     memref.alloc
func.func @main(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  call @outer(%a) : (memref<16xf32>) -> ()
  memref.copy %a, %x : memref<16xf32> to memref<16xf32>
  call @outer(%x) : (memref<16xf32>) -> ()
  memref.dealloc %a : memref<16xf32>
  return
}
func.func private @outer(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  call @inner(%a) : (memref<16xf32>) -> ()
  memref.copy %a, %x : memref<16xf32> to memref<16xf32>
  memref.dealloc %a : memref<16xf32>
  return
}
func.func private @inner(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  memref.copy %a, %x : memref<16xf32> to memref<16xf32>
  memref.dealloc %a : memref<16xf32>
  return
}

// -----

// Threads: what a parallel region allocates stays; a function that is called there has an arena of its own.
// CHECK:       slipstick.workspace_bytes = 64
// CHECK-LABEL: func.func @main
// CHECK:         memref.alloc() {alignment = 64 : i64, slipstick.arena} : memref<64xi8>
// CHECK:         scf.parallel
// CHECK-NEXT:      memref.alloc() : memref<16xf32>
// CHECK:           func.call @kernel(%{{[a-z0-9_]*}}) : (memref<16xf32>) -> ()
// CHECK-LABEL: func.func private @kernel
// CHECK:         memref.alloc() {alignment = 64 : i64, slipstick.arena} : memref<64xi8>
// CHECK:         memref.dealloc
// STACK-LABEL: func.func private @kernel
// STACK:         memref.alloca() {alignment = 64 : i64} : memref<64xi8>
func.func @main(%v: f32) {
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %4 = arith.constant 4 : index
  %out = memref.alloc() : memref<16xf32>
  linalg.fill ins(%v : f32) outs(%out : memref<16xf32>)
  scf.parallel (%i) = (%0) to (%4) step (%1) {
    %a = memref.alloc() : memref<16xf32>
    func.call @kernel(%a) : (memref<16xf32>) -> ()
    memref.store %v, %out[%i] : memref<16xf32>
    memref.dealloc %a : memref<16xf32>
    scf.reduce
  }
  memref.dealloc %out : memref<16xf32>
  return
}
func.func private @kernel(%x: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  memref.copy %a, %x : memref<16xf32> to memref<16xf32>
  memref.dealloc %a : memref<16xf32>
  return
}

// -----

// Left alone: results, also those returned through a view or by a function that was passed them; what control flow
// yields; what another function frees; sizes that are not known; layouts that no view can have.
// CHECK:       slipstick.workspace_bytes = 0
// CHECK-LABEL: func.func @main
// CHECK-COUNT-5: memref.alloc(
// CHECK:         memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK:         memref.alloc() : memref<4xf32, strided<[2]>>
// CHECK-NOT:     memref.view
// CHECK-LABEL: func.func private @same
func.func @main(%c: i1, %v: f32, %n: index) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.alloc() : memref<2x2xf32>
  %view = memref.collapse_shape %b [[0, 1]] : memref<2x2xf32> into memref<4xf32>
  %d = memref.alloc() : memref<4xf32>
  %e = call @same(%d) : (memref<4xf32>) -> memref<4xf32>
  %f = memref.alloc() : memref<4xf32>
  call @free(%f) : (memref<4xf32>) -> ()
  %g = scf.if %c -> memref<4xf32> {
    %h = memref.alloc() : memref<4xf32>
    linalg.fill ins(%v : f32) outs(%h : memref<4xf32>)
    scf.yield %h : memref<4xf32>
  } else {
    scf.yield %a : memref<4xf32>
  }
  linalg.fill ins(%v : f32) outs(%g : memref<4xf32>)
  %i = memref.alloc(%n) : memref<?xf32>
  linalg.fill ins(%v : f32) outs(%i : memref<?xf32>)
  memref.dealloc %i : memref<?xf32>
  %j = memref.alloc() : memref<4xf32, strided<[2]>>
  linalg.fill ins(%v : f32) outs(%j : memref<4xf32, strided<[2]>>)
  memref.dealloc %j : memref<4xf32, strided<[2]>>
  return %a, %view, %e : memref<4xf32>, memref<4xf32>, memref<4xf32>
}
func.func private @same(%m: memref<4xf32>) -> memref<4xf32> {
  return %m : memref<4xf32>
}
func.func private @free(%m: memref<4xf32>) {
  memref.dealloc %m : memref<4xf32>
  return
}

// -----

// A function that calls itself, one that may be called from elsewhere, and one whose order of blocks is not known.
// CHECK-LABEL: func.func @main
// CHECK:         slipstick.arena
// CHECK:         call @again(%{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}) : (i1, memref<4xf32>) -> ()
// CHECK:         call @public(%{{[a-z0-9_]*}}) : (memref<4xf32>) -> ()
// CHECK:         call @blocks(%{{[a-z0-9_]*}}, %{{[a-z0-9_]*}}) : (i1, memref<4xf32>) -> ()
// CHECK-LABEL: func.func private @again
// CHECK:         memref.alloc() {alignment = 64 : i64, slipstick.arena}
// CHECK-LABEL: func.func @public
// CHECK:         slipstick.arena
// CHECK-LABEL: func.func private @blocks
// CHECK:         memref.alloc() : memref<4xf32>
func.func @main(%c: i1) {
  %a = memref.alloc() : memref<4xf32>
  call @again(%c, %a) : (i1, memref<4xf32>) -> ()
  call @public(%a) : (memref<4xf32>) -> ()
  call @blocks(%c, %a) : (i1, memref<4xf32>) -> ()
  memref.dealloc %a : memref<4xf32>
  return
}
func.func private @again(%c: i1, %m: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  memref.copy %m, %a : memref<4xf32> to memref<4xf32>
  scf.if %c {
    func.call @again(%c, %a) : (i1, memref<4xf32>) -> ()
  }
  memref.dealloc %a : memref<4xf32>
  return
}
func.func @public(%m: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  memref.copy %m, %a : memref<4xf32> to memref<4xf32>
  memref.copy %a, %m : memref<4xf32> to memref<4xf32>
  memref.dealloc %a : memref<4xf32>
  return
}
func.func private @blocks(%c: i1, %m: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  cf.cond_br %c, ^write, ^end
^write:
  memref.copy %m, %a : memref<4xf32> to memref<4xf32>
  memref.copy %a, %m : memref<4xf32> to memref<4xf32>
  cf.br ^end
^end:
  memref.dealloc %a : memref<4xf32>
  return
}
