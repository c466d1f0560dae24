llvm.func @entry(%p: !llvm.ptr, %n: i64) -> f32 attributes {llvm.emit_c_interface} {
  %0 = llvm.mlir.constant(0 : i64) : i64
  %1 = llvm.getelementptr %p[%n] : (!llvm.ptr, i64) -> !llvm.ptr, f32
  %2 = llvm.load %1 : !llvm.ptr -> f32
  %3 = llvm.fmul %2, %2 : f32
  %4 = llvm.icmp "eq" %n, %0 : i64
  llvm.cond_br %4, ^bb1(%3 : f32), ^bb2
^bb1(%x: f32):
  llvm.return %x : f32
^bb2:
  %5 = llvm.bitcast %3 : f32 to i32
  %6 = llvm.add %5, %5 : i32
  %7 = llvm.bitcast %6 : i32 to f32
  llvm.br ^bb1(%7 : f32)
}
func.func @vectors(%x: vector<4xbf16>, %y: vector<2x3xf16>, %z: f64) -> (vector<4xbf16>, vector<2x3xf16>, f64) {
  %0 = arith.mulf %x, %x : vector<4xbf16>
  %1 = arith.mulf %y, %y fastmath<fast> : vector<2x3xf16>
  %2 = math.fma %z, %z, %z : f64
  %3 = arith.constant dense<[1.0, -0.0, 0x7FC0, 3.0e+38]> : vector<4xbf16>
  %4 = arith.mulf %0, %3 : vector<4xbf16>
  return %4, %1, %2 : vector<4xbf16>, vector<2x3xf16>, f64
}
