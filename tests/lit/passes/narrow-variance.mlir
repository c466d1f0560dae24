// A variance in f64 of f32 numbers, rounded to f32, is taken in f32.
// RUN: slipstick-opt %s --narrow-variance --canonicalize | filecheck %s
// RUN: slipstick-opt %s --narrow-variance=max-length=7 | filecheck %s --check-prefix=SHORT

#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0, 0)>

// CHECK-LABEL: func.func @variance
// CHECK-NOT:     f64
// CHECK:         linalg.generic
// CHECK:           arith.addf %{{.*}}, %{{.*}} fastmath<reassoc> : f32
// CHECK-NOT:     f64
// CHECK:           arith.divf %{{.*}}, %{{.*}} : f32
// CHECK-NOT:     f64
// CHECK:           %[[D:.*]] = arith.subf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT:      arith.mulf %[[D]], %[[D]] : f32
// CHECK-NOT:     f64
// CHECK:           arith.divf %{{.*}}, %{{.*}} : f32
// CHECK:         return
// SHORT-LABEL: func.func @variance
// SHORT:         arith.mulf {{.*}} : f64
func.func @variance(%x: tensor<4x8xf32>) -> tensor<4x1xf32> {
  %zero = arith.constant 0.0 : f64
  %n = arith.constant 8.0 : f64
  %e = tensor.empty() : tensor<4x1xf64>
  %f = linalg.fill ins(%zero : f64) outs(%e : tensor<4x1xf64>) -> tensor<4x1xf64>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %o: f64):
    %w = arith.extf %a : f32 to f64
    %v = arith.addf %w, %o fastmath<reassoc> : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%s : tensor<4x1xf64>) outs(%e : tensor<4x1xf64>) {
  ^bb0(%a: f64, %o: f64):
    %v = arith.divf %a, %n : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %q = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf64>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %b: f64, %o: f64):
    %w = arith.extf %a : f32 to f64
    %d = arith.subf %w, %b : f64
    %p = arith.mulf %d, %d : f64
    %v = arith.addf %p, %o fastmath<reassoc> : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %g = tensor.empty() : tensor<4x1xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%q : tensor<4x1xf64>) outs(%g : tensor<4x1xf32>) {
  ^bb0(%a: f64, %o: f32):
    %d = arith.divf %a, %n : f64
    %v = arith.truncf %d : f64 to f32
    linalg.yield %v : f32
  } -> tensor<4x1xf32>
  return %r : tensor<4x1xf32>
}

// Marked for L-Mul: in f32 too, with the mark.
// CHECK-LABEL: func.func @marked
// CHECK-NOT:     f64
// CHECK:         arith.mulf %{{.*}}, %{{.*}} {slipstick.lmul = {}} : f32
// CHECK-NOT:     f64
// CHECK:         return
func.func @marked(%x: tensor<4x8xf32>) -> tensor<4x1xf32> {
  %zero = arith.constant 0.0 : f64
  %n = arith.constant 8.0 : f64
  %e = tensor.empty() : tensor<4x1xf64>
  %f = linalg.fill ins(%zero : f64) outs(%e : tensor<4x1xf64>) -> tensor<4x1xf64>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x : tensor<4x8xf32>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %o: f64):
    %w = arith.extf %a : f32 to f64
    %v = arith.addf %w, %o fastmath<reassoc> : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%s : tensor<4x1xf64>) outs(%e : tensor<4x1xf64>) {
  ^bb0(%a: f64, %o: f64):
    %v = arith.divf %a, %n : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %q = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf64>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %b: f64, %o: f64):
    %w = arith.extf %a : f32 to f64
    %d = arith.subf %w, %b : f64
    %p = arith.mulf %d, %d {slipstick.lmul = {}} : f64
    %v = arith.addf %p, %o fastmath<reassoc> : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %g = tensor.empty() : tensor<4x1xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%q : tensor<4x1xf64>) outs(%g : tensor<4x1xf32>) {
  ^bb0(%a: f64, %o: f32):
    %d = arith.divf %a, %n : f64
    %v = arith.truncf %d : f64 to f32
    linalg.yield %v : f32
  } -> tensor<4x1xf32>
  return %r : tensor<4x1xf32>
}

// Read in f64, or a mean from elsewhere: as it was.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-2: arith.mulf {{.*}} : f64
func.func @kept(%x: tensor<4x8xf32>, %m: tensor<4x1xf64>) -> (tensor<4x1xf32>, tensor<4x1xf64>) {
  %zero = arith.constant 0.0 : f64
  %n = arith.constant 8.0 : f64
  %e = tensor.empty() : tensor<4x1xf64>
  %f = linalg.fill ins(%zero : f64) outs(%e : tensor<4x1xf64>) -> tensor<4x1xf64>
  %q = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf64>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %b: f64, %o: f64):
    %w = arith.extf %a : f32 to f64
    %d = arith.subf %w, %b : f64
    %p = arith.mulf %d, %d : f64
    %v = arith.addf %p, %o : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  %g = tensor.empty() : tensor<4x1xf32>
  %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%q : tensor<4x1xf64>) outs(%g : tensor<4x1xf32>) {
  ^bb0(%a: f64, %o: f32):
    %d = arith.divf %a, %n : f64
    %v = arith.truncf %d : f64 to f32
    linalg.yield %v : f32
  } -> tensor<4x1xf32>
  %t = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%x, %m : tensor<4x8xf32>, tensor<4x1xf64>) outs(%f : tensor<4x1xf64>) {
  ^bb0(%a: f32, %b: f64, %o: f64):
    %w = arith.extf %a : f32 to f64
    %d = arith.subf %w, %b : f64
    %p = arith.mulf %d, %d : f64
    %v = arith.addf %p, %o : f64
    linalg.yield %v : f64
  } -> tensor<4x1xf64>
  return %r, %t : tensor<4x1xf32>, tensor<4x1xf64>
}
