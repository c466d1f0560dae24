// A failed assertion stores its number and returns, where MLIR's own lowering would abort the process.
// RUN: slipstick-opt %s --asserts-to-status | filecheck %s

// One text, one number.
// CHECK: module attributes {slipstick.assert_messages = ["index", "size"], slipstick.entry = @main}
module attributes {slipstick.entry = @main} {
  // CHECK-LABEL: func.func @main
  // CHECK-SAME:    (%[[A:.*]]: i1 {user.kept}, %[[B:.*]]: i1, %[[STATUS:.*]]: memref<i64>) -> f32
  // CHECK:         cf.cond_br %[[A]], ^[[FIRST:.*]], ^[[FAILED_FIRST:.*]]
  // CHECK:       ^[[FIRST]]:
  // CHECK:         cf.cond_br %[[B]], ^[[SECOND:.*]], ^[[FAILED_SECOND:.*]]
  // CHECK:       ^[[SECOND]]:
  // CHECK:         cf.cond_br %[[A]], ^[[LAST:.*]], ^[[FAILED_LAST:.*]]
  // CHECK:       ^[[LAST]]:
  // CHECK:         %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
  // CHECK:         return %[[ONE]]
  // CHECK:       ^[[FAILED_LAST]]:
  // CHECK:         %[[THIRD:.*]] = arith.constant 1 : i64
  // CHECK:         memref.store %[[THIRD]], %[[STATUS]][] : memref<i64>
  // CHECK:         return
  // CHECK:       ^[[FAILED_SECOND]]:
  // CHECK:         arith.constant 2 : i64
  // CHECK:       ^[[FAILED_FIRST]]:
  // CHECK:         arith.constant 1 : i64
  // CHECK:         %[[NOTHING:.*]] = ub.poison : f32
  // CHECK:         return %[[NOTHING]]
  // CHECK-NOT:     cf.assert
  func.func @main(%a: i1 {user.kept}, %b: i1) -> f32 {
    cf.assert %a, "index"
    cf.assert %b, "size"
    cf.assert %a, "index"
    %0 = arith.constant 1.0 : f32
    return %0 : f32
  }

  // Who calls a private function that may fail returns where it did.
  // CHECK-LABEL: func.func private @layer
  // CHECK-SAME:    (%[[OK:.*]]: i1, %[[STATUS:.*]]: memref<i64>) -> f32
  // CHECK:         cf.cond_br %[[OK]]
  // CHECK:         memref.store %{{.*}}, %[[STATUS]][]
  func.func private @layer(%ok: i1) -> f32 {
    cf.assert %ok, "size"
    %0 = arith.constant 2.0 : f32
    return %0 : f32
  }
  // CHECK-LABEL: func.func private @between
  // CHECK-SAME:    (%[[OK:.*]]: i1, %[[STATUS:.*]]: memref<i64>) -> f32
  // CHECK:         %[[R:.*]] = call @layer(%[[OK]], %[[STATUS]]) : (i1, memref<i64>) -> f32
  // CHECK:         %[[LOADED:.*]] = memref.load %[[STATUS]][]
  // CHECK:         %[[FINE:.*]] = arith.cmpi eq, %[[LOADED]], %{{.*}} : i64
  // CHECK:         cf.cond_br %[[FINE]], ^[[REST:.*]], ^[[FAILED:.*]]
  // CHECK:       ^[[REST]]:
  // CHECK:         return %[[R]]
  // CHECK:       ^[[FAILED]]:
  // CHECK:         ub.poison
  func.func private @between(%ok: i1) -> f32 {
    %0 = call @layer(%ok) : (i1) -> f32
    return %0 : f32
  }
}
