// What slides a window over each channel goes along the rows of the result; the window's loops are outside of that.
// RUN: slipstick-opt %s --windows-along-rows | filecheck %s

// CHECK-DAG: #[[READ:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1 * 2 + d3, d5 * 2 + d4)>
// CHECK-DAG: #[[KERNEL:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d2, d3, d4)>
// CHECK-DAG: #[[WRITTEN:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d2, d1, d5)>

// CHECK-LABEL: func.func @depthwise
// CHECK:         linalg.generic {indexing_maps = [#[[READ]], #[[KERNEL]], #[[WRITTEN]]]
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "parallel"]}
// CHECK-SAME:      attrs = {slipstick.layer = "a", slipstick.lmul = {mantissa_bits = 4 : i64}}
// CHECK:           arith.mulf {{.*}} {slipstick.lmul = {mantissa_bits = 4 : i64}}
func.func @depthwise(%x: tensor<2x3x8x8xf32>, %k: tensor<3x3x3xf32>, %i: tensor<2x3x3x3xf32>) -> tensor<2x3x3x3xf32> {
  %0 = linalg.depthwise_conv_2d_nchw_chw {dilations = dense<1> : vector<2xi64>, strides = dense<2> : vector<2xi64>,
      slipstick.layer = "a", slipstick.lmul = {mantissa_bits = 4 : i64}}
    ins(%x, %k : tensor<2x3x8x8xf32>, tensor<3x3x3xf32>) outs(%i : tensor<2x3x3x3xf32>) -> tensor<2x3x3x3xf32>
  return %0 : tensor<2x3x3x3xf32>
}

// CHECK-LABEL: func.func @pooling
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "parallel"]}
// CHECK:           arith.maximumf
func.func @pooling(%x: tensor<2x3x8x8xf32>, %w: tensor<3x3xf32>, %i: tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32> {
  %0 = linalg.pooling_nchw_max {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %w : tensor<2x3x8x8xf32>, tensor<3x3xf32>) outs(%i : tensor<2x3x6x6xf32>) -> tensor<2x3x6x6xf32>
  return %0 : tensor<2x3x6x6xf32>
}

// Left alone: images stored pixel by pixel, whose channels are innermost already.
// CHECK-LABEL: func.func @by_pixel
// CHECK:         linalg.pooling_nhwc_max
func.func @by_pixel(%x: tensor<2x8x8x3xf32>, %w: tensor<3x3xf32>, %i: tensor<2x6x6x3xf32>) -> tensor<2x6x6x3xf32> {
  %0 = linalg.pooling_nhwc_max {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
    ins(%x, %w : tensor<2x8x8x3xf32>, tensor<3x3xf32>) outs(%i : tensor<2x6x6x3xf32>) -> tensor<2x6x6x3xf32>
  return %0 : tensor<2x6x6x3xf32>
}
