// A convolution is a product of its kernel and the windows that it sees, one column a place.
// RUN: slipstick-opt %s --convolutions-to-products --canonicalize | filecheck %s

// Windows that overlap are copied side by side; layer and mark of L-Mul go with the product.
// CHECK-DAG: #[[READ:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3 * 2 + d1, d4 + d2 * 3)>
// CHECK-DAG: #[[ALL:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>

// CHECK-LABEL: func.func @one_image
// CHECK-SAME:    %[[X:.*]]: tensor<1x3x9x9xf32>, %[[K:.*]]: tensor<5x3x3x2xf32>, %[[I:.*]]: tensor<1x5x4x6xf32>
// CHECK-NOT:     scf.for
// CHECK:         %[[IMAGE:.*]] = tensor.extract_slice %[[X]][0, 0, 0, 0] [1, 3, 9, 9] [1, 1, 1, 1] : tensor<1x3x9x9xf32> to tensor<3x9x9xf32>
// CHECK:         %[[WINDOWS:.*]] = linalg.generic {indexing_maps = [#[[READ]], #[[ALL]]]
// CHECK-SAME:      ins(%[[IMAGE]] : tensor<3x9x9xf32>) outs(%{{.*}} : tensor<3x3x2x4x6xf32>)
// CHECK:         %[[COLUMNS:.*]] = tensor.collapse_shape %[[WINDOWS]] {{\[\[}}0, 1, 2], [3, 4]] : tensor<3x3x2x4x6xf32> into tensor<18x24xf32>
// CHECK:         %[[MATRIX:.*]] = tensor.collapse_shape %[[K]] {{\[\[}}0], [1, 2, 3]] : tensor<5x3x3x2xf32> into tensor<5x18xf32>
// CHECK:         linalg.matmul {slipstick.layer = "a", slipstick.lmul = {mantissa_bits = 4 : i64}} ins(%[[MATRIX]], %[[COLUMNS]]
// CHECK:         tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [5, 4, 6]
// CHECK:         tensor.insert_slice
func.func @one_image(%x: tensor<1x3x9x9xf32>, %k: tensor<5x3x3x2xf32>, %i: tensor<1x5x4x6xf32>) -> tensor<1x5x4x6xf32> {
  %0 = linalg.conv_2d_nchw_fchw {dilations = dense<[1, 3]> : vector<2xi64>, strides = dense<[2, 1]> : vector<2xi64>,
      slipstick.layer = "a", slipstick.lmul = {mantissa_bits = 4 : i64}}
    ins(%x, %k : tensor<1x3x9x9xf32>, tensor<5x3x3x2xf32>) outs(%i : tensor<1x5x4x6xf32>) -> tensor<1x5x4x6xf32>
  return %0 : tensor<1x5x4x6xf32>
}

// A kernel of one pixel needs no columns; several images follow one another.
// CHECK-LABEL: func.func @pixels
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x4x4xf32>, %[[K:.*]]: tensor<5x3x1x1xf32>, %[[I:.*]]: tensor<2x5x4x4xf32>
// CHECK:         %[[R:.*]] = scf.for %[[N:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[ALL:.*]] = %[[I]])
// CHECK:           %[[IMAGE:.*]] = tensor.extract_slice %[[X]][%[[N]], 0, 0, 0]
// CHECK-NOT:       linalg.generic
// CHECK:           linalg.matmul
// CHECK:           tensor.insert_slice %{{.*}} into %[[ALL]][%[[N]], 0, 0, 0]
// CHECK:         return %[[R]]
func.func @pixels(%x: tensor<2x3x4x4xf32>, %k: tensor<5x3x1x1xf32>, %i: tensor<2x5x4x4xf32>) -> tensor<2x5x4x4xf32> {
  %0 = linalg.conv_2d_nchw_fchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %k : tensor<2x3x4x4xf32>, tensor<5x3x1x1xf32>) outs(%i : tensor<2x5x4x4xf32>) -> tensor<2x5x4x4xf32>
  return %0 : tensor<2x5x4x4xf32>
}

// Groups of channels each have a kernel of their own.
// CHECK-LABEL: func.func @groups
// CHECK-SAME:    %[[X:.*]]: tensor<1x4x2x5x1xf32>, %[[K:.*]]: tensor<4x3x2x2x1xf32>
// CHECK:         scf.for %[[G:.*]] = %{{.*}} to
// CHECK:           tensor.extract_slice %[[X]][0, %[[G]], 0, 0, 0] [1, 1, 2, 5, 1]
// CHECK:           tensor.extract_slice %[[K]][%[[G]], 0, 0, 0, 0] [1, 3, 2, 2, 1]
// CHECK:           linalg.matmul ins(%{{.*}} : tensor<3x4xf32>, tensor<4x4xf32>)
func.func @groups(%x: tensor<1x4x2x5x1xf32>, %k: tensor<4x3x2x2x1xf32>, %i: tensor<1x4x3x4x1xf32>) -> tensor<1x4x3x4x1xf32> {
  %0 = linalg.conv_2d_ngchw_gfchw {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %k : tensor<1x4x2x5x1xf32>, tensor<4x3x2x2x1xf32>) outs(%i : tensor<1x4x3x4x1xf32>) -> tensor<1x4x3x4x1xf32>
  return %0 : tensor<1x4x3x4x1xf32>
}

// One dimension of space: a row is a matrix as it is.
// CHECK-LABEL: func.func @sound
// CHECK:         linalg.matmul ins(%{{.*}} : tensor<4x6xf32>, tensor<6x3xf32>)
func.func @sound(%x: tensor<1x2x7xf32>, %k: tensor<4x2x3xf32>, %i: tensor<1x4x3xf32>) -> tensor<1x4x3xf32> {
  %0 = linalg.conv_1d_ncw_fcw {dilations = dense<1> : vector<1xi64>, strides = dense<2> : vector<1xi64>}
    ins(%x, %k : tensor<1x2x7xf32>, tensor<4x2x3xf32>) outs(%i : tensor<1x4x3xf32>) -> tensor<1x4x3xf32>
  return %0 : tensor<1x4x3xf32>
}

// Left alone: sizes that are not known.
// CHECK-LABEL: func.func @dynamic
// CHECK:         linalg.conv_2d_nchw_fchw
func.func @dynamic(%x: tensor<?x3x4x4xf32>, %k: tensor<5x3x1x1xf32>, %i: tensor<?x5x4x4xf32>) -> tensor<?x5x4x4xf32> {
  %0 = linalg.conv_2d_nchw_fchw ins(%x, %k : tensor<?x3x4x4xf32>, tensor<5x3x1x1xf32>)
    outs(%i : tensor<?x5x4x4xf32>) -> tensor<?x5x4x4xf32>
  return %0 : tensor<?x5x4x4xf32>
}

// Few places in each image, as in the gradient by a kernel: one product for all images. A window of 2 x 36 is longer than
// a row of 5 filters, so windows come first.
// CHECK-LABEL: func.func @few_places
// CHECK-SAME:    %[[X:.*]]: tensor<7x2x6x8xf32>, %[[K:.*]]: tensor<5x2x6x6xf32>
// CHECK-NOT:     scf.for
// CHECK:         %[[WINDOWS:.*]] = linalg.generic
// CHECK-SAME:      ins(%[[X]] : tensor<7x2x6x8xf32>) outs(%{{.*}} : tensor<7x1x3x2x6x6xf32>)
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[WINDOWS]] {{\[\[}}0, 1, 2], [3, 4, 5]] : tensor<7x1x3x2x6x6xf32> into tensor<21x72xf32>
// CHECK:         %[[FILTERS:.*]] = linalg.transpose ins(%{{.*}} : tensor<5x72xf32>)
// CHECK:         linalg.matmul {slipstick.layer = "a"} ins(%[[ROWS]], %[[FILTERS]] : tensor<21x72xf32>, tensor<72x5xf32>)
// CHECK:         tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2], [3]] output_shape [7, 1, 3, 5]
// CHECK:         linalg.transpose ins(%{{.*}} : tensor<7x1x3x5xf32>) outs(%{{.*}} : tensor<7x5x1x3xf32>) permutation = [0, 3, 1, 2]
func.func @few_places(%x: tensor<7x2x6x8xf32>, %k: tensor<5x2x6x6xf32>) -> tensor<7x5x1x3xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<7x5x1x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<7x5x1x3xf32>) -> tensor<7x5x1x3xf32>
  %0 = linalg.conv_2d_nchw_fchw {slipstick.layer = "a"} ins(%x, %k : tensor<7x2x6x8xf32>, tensor<5x2x6x6xf32>)
    outs(%init : tensor<7x5x1x3xf32>) -> tensor<7x5x1x3xf32>
  return %0 : tensor<7x5x1x3xf32>
}

// Longer rows of filters than windows: filters come first, and the result is in another order.
// CHECK-LABEL: func.func @many_filters
// CHECK-NOT:     scf.for
// CHECK:         %[[FILTERS:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<30x2x4xf32> into tensor<30x8xf32>
// CHECK:         linalg.matmul ins(%[[FILTERS]], %{{.*}} : tensor<30x8xf32>, tensor<8x21xf32>)
// CHECK:         linalg.transpose ins(%{{.*}} : tensor<30x7x3xf32>) outs(%{{.*}} : tensor<7x30x3xf32>) permutation = [1, 0, 2]
func.func @many_filters(%x: tensor<7x2x6xf32>, %k: tensor<30x2x4xf32>) -> tensor<7x30x3xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<7x30x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<7x30x3xf32>) -> tensor<7x30x3xf32>
  %0 = linalg.conv_1d_ncw_fcw ins(%x, %k : tensor<7x2x6xf32>, tensor<30x2x4xf32>)
    outs(%init : tensor<7x30x3xf32>) -> tensor<7x30x3xf32>
  return %0 : tensor<7x30x3xf32>
}

// Sums that start with other numbers are made image by image.
// CHECK-LABEL: func.func @few_places_added
// CHECK:         scf.for
func.func @few_places_added(%x: tensor<7x2x6xf32>, %k: tensor<30x2x4xf32>, %init: tensor<7x30x3xf32>) -> tensor<7x30x3xf32> {
  %0 = linalg.conv_1d_ncw_fcw ins(%x, %k : tensor<7x2x6xf32>, tensor<30x2x4xf32>)
    outs(%init : tensor<7x30x3xf32>) -> tensor<7x30x3xf32>
  return %0 : tensor<7x30x3xf32>
}
