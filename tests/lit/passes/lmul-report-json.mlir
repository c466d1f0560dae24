// As JSON the report is one remark of one line, or a file of its own, which a JSON parser reads.
// RUN: slipstick-opt %s --lmul-report=format=json -o /dev/null 2>&1 | filecheck %s
// RUN: slipstick-opt %s --lmul-report='format=json output=%t.json' -o /dev/null 2>&1 | filecheck %s --check-prefix=SILENT --allow-empty
// RUN: %python -m json.tool %t.json | filecheck %s --check-prefix=FILE
// RUN: not slipstick-opt %s --lmul-report=output=%t.absent/report 2>&1 | filecheck %s --check-prefix=ERROR

// CHECK: remark: {"notes": ["energies and gates are estimates
// SILENT-NOT: {{.}}
// FILE:      "all": {
// FILE-NEXT:   "operations": 1,
// FILE:      "operations": [
// FILE:        "name": "linalg.generic",
// FILE-NEXT:   "location": "{{.*}}lmul-report-json.mlir:{{[0-9]+:[0-9]+}}",
// FILE-NEXT:   "scope": "elementwise",
// FILE-NEXT:   "layer": null,
// FILE-NEXT:   "type": "bf16",
// FILE-NEXT:   "lmul": [
// FILE-NEXT:     {
// FILE-NEXT:       "mantissa_bits": 3,
// FILE:        "shape": [
// FILE-NEXT:     8
// FILE:        "executed": {
// FILE-NEXT:     "before": {
// FILE-NEXT:       "multiplies": 0,
// FILE-NEXT:       "adds": 8,
// FILE-NEXT:       "fused": 8,
// FILE-NEXT:       "integer_adds": 0
// FILE:          "after": {
// FILE-NEXT:       "multiplies": 0,
// FILE-NEXT:       "adds": 16,
// FILE-NEXT:       "fused": 0,
// FILE-NEXT:       "integer_adds": 8
// ERROR: error: output: {{.*}}absent/report: cannot be written: No such file or directory
#map = affine_map<(d0) -> (d0)>
func.func @main(%a: tensor<8xbf16>, %b: tensor<8xbf16>) -> tensor<8xbf16> {
  %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"], slipstick.lmul = {mantissa_bits = 3 : i64, rounding = "rne", specials = "ieee"}} ins(%a : tensor<8xbf16>) outs(%b : tensor<8xbf16>) {
  ^bb0(%x: bf16, %y: bf16):
    %0 = math.fma %x, %x, %y : bf16
    %1 = arith.addf %0, %x : bf16
    linalg.yield %1 : bf16
  } -> tensor<8xbf16>
  return %r : tensor<8xbf16>
}
