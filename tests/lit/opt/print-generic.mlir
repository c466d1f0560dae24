// The generic form parses back.
// RUN: slipstick-opt %s --mlir-print-op-generic | filecheck %s
// RUN: %mlir-opt %s --mlir-print-op-generic | filecheck %s
// RUN: slipstick-opt %s --mlir-print-op-generic | slipstick-opt | filecheck %s --check-prefix=PRETTY

// CHECK: "builtin.module"() ({
// CHECK: "func.func"() <{function_type = (f32) -> f32, sym_name = "f"}> ({
// CHECK: "arith.mulf"(%{{.*}}, %{{.*}}) <{fastmath = #arith.fastmath<none>}>
// PRETTY: func.func @f(%{{.*}}: f32) -> f32 {
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
