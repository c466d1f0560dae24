// A file for each print, in directories named after the operations.
// RUN: rm -rf %t && slipstick-opt %s --pass-pipeline='builtin.module(func.func(cse,lmul),symbol-dce)' --mlir-print-ir-tree-dir=%t --mlir-print-ir-after-all -o /dev/null
// RUN: filecheck %s --check-prefix=CSE --input-file %t/builtin_module_no-symbol-name/func_func_f/0_0_cse.mlir
// RUN: filecheck %s --check-prefix=LMUL --input-file %t/builtin_module_no-symbol-name/func_func_f/0_1_lmul.mlir
// RUN: filecheck %s --check-prefix=DCE --input-file %t/builtin_module_no-symbol-name/1_symbol-dce.mlir
// RUN: rm -rf %t && %mlir-opt %s --pass-pipeline='builtin.module(func.func(cse))' --mlir-print-ir-tree-dir=%t --mlir-print-ir-after-all -o /dev/null
// RUN: filecheck %s --check-prefix=CSE --input-file %t/builtin_module_no-symbol-name/func_func_f/0_0_cse.mlir

// CSE: func.func @f
// LMUL: arith.bitcast
// DCE: module {
func.func @f(%x: f32) -> f32 {
  %0 = arith.mulf %x, %x : f32
  return %0 : f32
}
