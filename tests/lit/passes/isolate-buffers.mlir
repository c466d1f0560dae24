// Hand-made buffers in tensor code: each is a copy of its tensor, each tensor of an allocation owns it.
// RUN: slipstick-opt %s --isolate-buffers | filecheck %s

// CHECK-LABEL: func.func @both_ways
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>
// CHECK:         %[[COPY:.*]] = bufferization.alloc_tensor() copy(%[[X]]) : tensor<4xf32>
// CHECK:         bufferization.to_buffer %[[COPY]]
// CHECK:         bufferization.to_tensor %{{.*}} restrict writable
func.func @both_ways(%x: tensor<4xf32>) -> tensor<4xf32> {
  %from = bufferization.to_buffer %x : tensor<4xf32> to memref<4xf32>
  %to = memref.alloc() : memref<4xf32>
  linalg.exp ins(%from : memref<4xf32>) outs(%to : memref<4xf32>)
  %r = bufferization.to_tensor %to : memref<4xf32> to tensor<4xf32>
  return %r : tensor<4xf32>
}

// A buffer of the caller's is nobody's own: left for bufferisation to refuse.
// CHECK-LABEL: func.func @argument
// CHECK:         bufferization.to_tensor %{{[a-z0-9]*}} : memref<4xf32>
func.func @argument(%m: memref<4xf32>) -> tensor<4xf32> {
  %r = bufferization.to_tensor %m : memref<4xf32> to tensor<4xf32>
  return %r : tensor<4xf32>
}
