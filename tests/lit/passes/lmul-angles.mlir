// What sines and cosines are taken of is exact where a factor is an integer; other products of integers are not.
// RUN: slipstick-opt %s --lmul-mark | filecheck %s
// RUN: slipstick-opt %s --lmul --mlir-pass-statistics -o /dev/null 2>&1 | filecheck %s --check-prefix=COUNT

// COUNT: 5 multiplies rewritten

#row = affine_map<(i, j) -> (i)>
#column = affine_map<(i, j) -> (j)>
#all = affine_map<(i, j) -> (i, j)>

// The angle of a rotary embedding, joined with itself; its cosine scales the input with L-Mul.
// CHECK-LABEL: func.func @rotary
// CHECK-NOT:   slipstick.lmul
// CHECK:       tensor.concat
// CHECK:       arith.mulf {{.*}} {slipstick.lmul =
func.func @rotary(%positions: tensor<8xi64>, %frequencies: tensor<4xf32>, %x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %e4 = tensor.empty() : tensor<8x4xf32>
  %e8 = tensor.empty() : tensor<8x8xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%positions : tensor<8xi64>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %0 = arith.sitofp %in : i64 to f32
    linalg.yield %0 : f32
  } -> tensor<8xf32>
  %angle = linalg.generic {indexing_maps = [#row, #column, #all], iterator_types = ["parallel", "parallel"]}
    ins(%p, %frequencies : tensor<8xf32>, tensor<4xf32>) outs(%e4 : tensor<8x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<8x4xf32>
  %both = tensor.concat dim(1) %angle, %angle : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %turned = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel"]}
    ins(%both, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e8 : tensor<8x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %c = math.cos %a : f32
    %0 = arith.mulf %b, %c : f32
    linalg.yield %0 : f32
  } -> tensor<8x8xf32>
  return %turned : tensor<8x8xf32>
}

// A product over a dimension of one, as torch.export writes it, with a phase added.
// CHECK-LABEL: func.func @contracted
// CHECK-NOT:   slipstick.lmul
// CHECK:       math.sin
func.func @contracted(%positions: tensor<1x8xi32>, %frequencies: tensor<4x1xf32>, %phase: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %p = arith.uitofp %positions : tensor<1x8xi32> to tensor<1x8xf32>
  %angle = linalg.matmul ins(%frequencies, %p : tensor<4x1xf32>, tensor<1x8xf32>) outs(%phase : tensor<4x8xf32>) -> tensor<4x8xf32>
  %sin = math.sin %angle : tensor<4x8xf32>
  return %sin : tensor<4x8xf32>
}

// The mask of a mean is an integer and no angle; what is read elsewhere too, is not an angle alone; an angle that
// comes from no integer is what the scope says.
// CHECK-LABEL: func.func @others
// CHECK-COUNT-4: arith.mulf {{.*}} {slipstick.lmul =
func.func @others(%mask: i64, %x: f32, %y: f32) -> (f32, f32, f32, f32, f32) {
  %m = arith.sitofp %mask : i64 to f32
  %masked = arith.mulf %x, %m : f32
  %shared = arith.mulf %m, %y : f32
  %sin = math.sin %shared : f32
  %angle = arith.mulf %x, %y : f32
  %cos = math.cos %angle : f32
  %square = arith.mulf %x, %x : f32
  return %masked, %shared, %sin, %cos, %square : f32, f32, f32, f32, f32
}
