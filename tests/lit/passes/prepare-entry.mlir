// The function that will be called is named, its type before lowering kept, its tensors made read-only.
// RUN: slipstick-opt %s --prepare-entry --split-input-file | filecheck %s
// RUN: slipstick-opt %s --prepare-entry --prepare-entry --split-input-file | filecheck %s

// `main` is the entry, whatever else is public.
// CHECK:       module attributes {slipstick.entry = @main, slipstick.signature = (tensor<?xf32>, i64, memref<4xf32>) -> tensor<?xf32>}
// CHECK:       func.func @helper(%{{.*}}: tensor<?xf32>) -> tensor<?xf32> {
// CHECK:       func.func @main(%{{.*}}: tensor<?xf32> {bufferization.writable = false, user.kept}, %{{.*}}: i64, %{{.*}}: memref<4xf32> {bufferization.writable = false}) -> tensor<?xf32> attributes {llvm.emit_c_interface}
func.func @helper(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32> {user.kept}, %n: i64, %m: memref<4xf32>) -> tensor<?xf32> {
  %0 = call @helper(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Without `main` it is the one public function that has a body.
// CHECK:       slipstick.entry = @forward
// CHECK-SAME:  slipstick.signature = () -> f32
// CHECK:       func.func private @declared(f32)
// CHECK:       func.func private @hidden() -> f32 {
// CHECK:       func.func @forward() -> f32 attributes {llvm.emit_c_interface}
func.func private @declared(f32)
func.func private @hidden() -> f32 {
  %0 = arith.constant 1.0 : f32
  return %0 : f32
}
func.func @forward() -> f32 {
  %0 = call @hidden() : () -> f32
  return %0 : f32
}

// -----

// An argument that is overwritten may be written into; with what it is overwritten is noted next to the signature.
// CHECK:       slipstick.overwrites = [array<i64: 1, 0>]
// CHECK:       func.func @main(%{{.*}}: tensor<4xf32> {bufferization.writable = false}, %{{.*}}: tensor<4xf32> {bufferization.writable = true, slipstick.overwritten = 0 : i64})
func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32> {slipstick.overwritten = 0 : i64}) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// The function that is noted already comes before `main`.
// CHECK:       module attributes {slipstick.entry = @other
// CHECK:       func.func @other(%{{.*}}: tensor<4xf32> {bufferization.writable = false})
module attributes {slipstick.entry = @other} {
  func.func @main() {
    return
  }
  func.func @other(%x: tensor<4xf32>) {
    return
  }
}
