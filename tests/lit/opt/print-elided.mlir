// RUN: slipstick-opt %s --mlir-elide-elementsattrs-if-larger=2 | filecheck %s
// RUN: %mlir-opt %s --mlir-elide-elementsattrs-if-larger=2 | filecheck %s
// RUN: slipstick-opt %s --mlir-elide-elementsattrs-if-larger=4 | filecheck %s --check-prefix=WHOLE
// RUN: slipstick-opt %s --mlir-elide-resource-strings-if-larger=4 | filecheck %s --check-prefix=RESOURCE
// RUN: %mlir-opt %s --mlir-elide-resource-strings-if-larger=4 | filecheck %s --check-prefix=RESOURCE

// CHECK: dense_resource<__elided__> : tensor<4xi32>
// WHOLE: dense<[1, 2, 3, 4]> : tensor<4xi32>
// RESOURCE: dense_resource<weights>
// RESOURCE-NOT: 0x
func.func @f() -> (tensor<4xi32>, tensor<1xi32>) {
  %0 = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %1 = arith.constant dense_resource<weights> : tensor<1xi32>
  return %0, %1 : tensor<4xi32>, tensor<1xi32>
}
{-#
  dialect_resources: {
    builtin: {
      weights: "0x0400000001000000"
    }
  }
#-}
