// Parameters of linear layers become codes, decoded where they are used; all others stay.
// RUN: slipstick-opt %s --encode-weights --split-input-file | filecheck %s
// RUN: slipstick-opt %s --encode-weights=format=bf16 --split-input-file | filecheck %s --check-prefix=BF16

// The weight of a linear layer, [N, K], seen through its transpose: an argument of biases, one for each row, is appended.
// CHECK:       module attributes {slipstick.encoded_weights = [{argument = 1 : i64, axis = 0 : i64, biases = 3 : i64, format = "lm8"}]}
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:arg0]]: tensor<4x8xf32>, %[[W:arg1]]: tensor<16x8xi8> {slipstick.parameter}, %arg2: tensor<16xf32> {slipstick.parameter}, %[[BIASES:arg3]]: tensor<16xi32>)
// CHECK:         %[[DECODED:.*]] = linalg.generic {indexing_maps = [#[[ALL:.*]], #[[ROW:.*]], #[[ALL]]], iterator_types = ["parallel", "parallel"]}
// CHECK-SAME:      ins(%[[W]], %[[BIASES]] : tensor<16x8xi8>, tensor<16xi32>)
// CHECK-SAME:      attrs = {slipstick.weights = "lm8"}
// CHECK:         ^bb0(%[[CODE:.*]]: i8, %[[BIAS:.*]]: i32, %{{.*}}: f32):
// CHECK:           %[[UNBIASED:.*]] = arith.addi %[[BIAS]], %{{.*}} : i32
// CHECK:           %[[EXPONENT:.*]] = arith.shli %[[UNBIASED]], %{{.*}} : i32
// CHECK:           %[[IS_ZERO:.*]] = arith.cmpi eq
// CHECK:           %[[WIDE:.*]] = arith.extsi %[[CODE]] : i8 to i32
// CHECK:           %[[ADDED:.*]] = arith.select %[[IS_ZERO]], %{{.*}}, %[[EXPONENT]] : i32
// CHECK:           arith.addi %{{.*}}, %[[ADDED]] : i32
// CHECK:         linalg.transpose ins(%[[DECODED]] :
// bf16 has no biases.
// BF16:        module attributes {slipstick.encoded_weights = [{argument = 1 : i64, axis = 0 : i64, format = "bf16"}]}
// BF16-LABEL:  func.func @main(
// BF16-SAME:     %[[W:arg1]]: tensor<16x8xbf16> {slipstick.parameter}, %arg2: tensor<16xf32> {slipstick.parameter})
// BF16:          linalg.generic
// BF16-SAME:       ins(%[[W]] : tensor<16x8xbf16>)
// BF16-SAME:       attrs = {slipstick.weights = "bf16"}
// BF16:            arith.shli
func.func @main(%x: tensor<4x8xf32>, %w: tensor<16x8xf32> {slipstick.parameter}, %b: tensor<16xf32> {slipstick.parameter})
    -> tensor<4x16xf32> {
  %turned = tensor.empty() : tensor<8x16xf32>
  %t = linalg.transpose ins(%w : tensor<16x8xf32>) outs(%turned : tensor<8x16xf32>) permutation = [1, 0]
  %c = tensor.empty() : tensor<4x16xf32>
  %start = linalg.broadcast ins(%b : tensor<16xf32>) outs(%c : tensor<4x16xf32>) dimensions = [0]
  %r = linalg.matmul ins(%x, %t : tensor<4x8xf32>, tensor<8x16xf32>) outs(%start : tensor<4x16xf32>) -> tensor<4x16xf32>
  return %r : tensor<4x16xf32>
}

// -----

// Stored [K, N], and read through a cast and a broadcast along the batch: output channels are columns.
// CHECK:       argument = 1 : i64, axis = 1 : i64
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    tensor<8x16xi8>
// CHECK-SAME:    tensor<16xi32>)
func.func @main(%x: tensor<2x4x8xf32>, %w: tensor<8x16xf32> {slipstick.parameter}, %c: tensor<2x4x16xf32>) -> tensor<2x4x16xf32> {
  %cast = tensor.cast %w : tensor<8x16xf32> to tensor<8x?xf32>
  %back = tensor.cast %cast : tensor<8x?xf32> to tensor<8x16xf32>
  %empty = tensor.empty() : tensor<2x8x16xf32>
  %b = linalg.broadcast ins(%back : tensor<8x16xf32>) outs(%empty : tensor<2x8x16xf32>) dimensions = [0]
  %r = linalg.batch_matmul ins(%x, %b : tensor<2x4x8xf32>, tensor<2x8x16xf32>) outs(%c : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  return %r : tensor<2x4x16xf32>
}

// -----

// On the left, its channels are rows of the result; a dimension of size one may be dropped on the way.
// CHECK:       [{argument = 0 : i64, axis = 0 : i64, biases = 3 : i64, format = "lm8"}, {argument = 1 : i64, axis = 0 : i64, biases = 4 : i64, format = "lm8"}]
// CHECK-LABEL: func.func @main(
func.func @main(%w: tensor<16x8xf32> {slipstick.parameter}, %one: tensor<1x8xf32> {slipstick.parameter}, %x: tensor<8x4xf32>)
    -> (tensor<16x4xf32>, tensor<4xf32>) {
  %c = tensor.empty() : tensor<16x4xf32>
  %r = linalg.matmul ins(%w, %x : tensor<16x8xf32>, tensor<8x4xf32>) outs(%c : tensor<16x4xf32>) -> tensor<16x4xf32>
  %row = tensor.collapse_shape %one [[0, 1]] : tensor<1x8xf32> into tensor<8xf32>
  %d = tensor.empty() : tensor<4xf32>
  %s = linalg.vecmat ins(%row, %x : tensor<8xf32>, tensor<8x4xf32>) outs(%d : tensor<4xf32>) -> tensor<4xf32>
  return %r, %s : tensor<16x4xf32>, tensor<4xf32>
}

// -----

// Left in f32: an input; a matrix that is returned; one that is added; one that is read both ways round.
// CHECK-NOT:   slipstick.encoded_weights
// CHECK-LABEL: func.func @main(
// CHECK-NOT:     i8
// CHECK:         return
func.func @main(
    %input: tensor<8x8xf32>,
    %returned: tensor<8x8xf32> {slipstick.parameter},
    %added: tensor<8x8xf32> {slipstick.parameter},
    %both: tensor<8x8xf32> {slipstick.parameter},
    %unused: tensor<8x8xf32> {slipstick.parameter},
    %x: tensor<8x8xf32>
) -> (tensor<8x8xf32>, tensor<8x8xf32>) {
  %c = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.matmul ins(%x, %input : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.matmul ins(%0, %returned : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = linalg.add ins(%1, %added : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = linalg.matmul ins(%2, %both : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %4 = linalg.transpose ins(%both : tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) permutation = [1, 0]
  %5 = linalg.matmul ins(%3, %4 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %5, %returned : tensor<8x8xf32>, tensor<8x8xf32>
}
