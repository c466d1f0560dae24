// RUN: slipstick-opt %s --canonicalize --lmul --mlir-print-ir-before-all --mlir-print-ir-after-all -o /dev/null 2>&1 | filecheck %s

// CHECK: // -----// IR Dump Before CanonicalizerPass: canonicalize{{.*}} //----- //
// CHECK-NEXT: module {
// CHECK: // -----// IR Dump After CanonicalizerPass: canonicalize{{.*}} //----- //
// CHECK: // -----// IR Dump Before {{.*}}: lmul //----- //
// CHECK: arith.mulf
// CHECK: // -----// IR Dump After {{.*}}: lmul //----- //
// CHECK-NOT: arith.mulf
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
