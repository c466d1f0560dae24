// What a private function does not read is not passed to it, nor to one that would only pass it on.
// RUN: slipstick-opt %s --drop-unread-arguments --split-input-file --mlir-pass-statistics 2>&1 | filecheck %s

// CHECK: 2 arguments dropped

// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: f32, %[[Y:.*]]: f32)
// CHECK-NEXT:    %[[A:.*]] = call @outer(%[[X]]) {note} : (f32) -> f32
// CHECK-NEXT:    return %[[A]]
func.func @main(%x: f32, %y: f32) -> f32 {
  %0 = call @outer(%y, %x) {note} : (f32, f32) -> f32
  return %0 : f32
}
// CHECK:       func.func private @outer(%[[X:.*]]: f32) -> f32
// CHECK-NEXT:    call @inner(%[[X]])
func.func private @outer(%y: f32, %x: f32) -> f32 {
  %0 = call @inner(%x, %y) : (f32, f32) -> f32
  return %0 : f32
}
// CHECK:       func.func private @inner(%[[X:.*]]: f32 {a.kept}) -> f32
func.func private @inner(%x: f32 {a.kept}, %y: f32 {a.dropped}) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// -----

// Left alone: functions that others can call, or call through their address.
// CHECK:       func.func @main(%{{.*}}: f32)
// CHECK:       func.func private @pointed_at(%{{.*}}: f32)
func.func @main(%x: f32) -> ((f32) -> ()) {
  call @pointed_at(%x) : (f32) -> ()
  %0 = constant @pointed_at : (f32) -> ()
  return %0 : (f32) -> ()
}
func.func private @pointed_at(%x: f32) {
  return
}
