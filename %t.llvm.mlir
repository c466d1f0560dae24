module attributes {slipstick.assert_messages = [], slipstick.entry = @main, slipstick.signature = (tensor<?x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<?x16xf32>, slipstick.stage = "llvm", slipstick.workspace_bytes = 258048 : i64} {
  llvm.func @_mlir_memref_to_llvm_free(!llvm.ptr)
  llvm.func @_mlir_memref_to_llvm_alloc(i64) -> !llvm.ptr
  llvm.func @main(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: i64, %arg4: i64, %arg5: i64, %arg6: i64, %arg7: !llvm.ptr, %arg8: !llvm.ptr, %arg9: i64, %arg10: i64, %arg11: i64, %arg12: i64, %arg13: i64, %arg14: !llvm.ptr, %arg15: !llvm.ptr, %arg16: i64, %arg17: i64, %arg18: i64, %arg19: !llvm.ptr, %arg20: !llvm.ptr, %arg21: i64) -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> attributes {llvm.emit_c_interface} {
    %0 = llvm.mlir.constant(16 : index) : i64
    %1 = llvm.mlir.constant(64 : index) : i64
    %2 = llvm.mlir.zero : !llvm.ptr
    %3 = llvm.mlir.constant(1 : index) : i64
    %4 = llvm.mlir.constant(258048 : index) : i64
    %5 = llvm.mlir.constant(0 : index) : i64
    %6 = llvm.mlir.poison : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
    %7 = llvm.getelementptr %2[258048] : (!llvm.ptr) -> !llvm.ptr, i8
    %8 = llvm.ptrtoint %7 : !llvm.ptr to i64
    %9 = llvm.add %8, %1 : i64
    %10 = llvm.call @_mlir_memref_to_llvm_alloc(%9) : (i64) -> !llvm.ptr
    %11 = llvm.ptrtoint %10 : !llvm.ptr to i64
    %12 = llvm.sub %1, %3 : i64
    %13 = llvm.add %11, %12 : i64
    %14 = llvm.urem %13, %1 : i64
    %15 = llvm.sub %13, %14 : i64
    %16 = llvm.inttoptr %15 : i64 to !llvm.ptr
    %17 = llvm.mul %arg3, %0 : i64
    %18 = llvm.getelementptr %2[%17] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %19 = llvm.ptrtoint %18 : !llvm.ptr to i64
    %20 = llvm.add %19, %1 : i64
    %21 = llvm.call @_mlir_memref_to_llvm_alloc(%20) : (i64) -> !llvm.ptr
    %22 = llvm.ptrtoint %21 : !llvm.ptr to i64
    %23 = llvm.add %22, %12 : i64
    %24 = llvm.urem %23, %1 : i64
    %25 = llvm.sub %23, %24 : i64
    %26 = llvm.inttoptr %25 : i64 to !llvm.ptr
    llvm.call @slipstick_kernel_0(%21, %26, %5, %arg3, %0, %0, %3) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64) -> ()
    llvm.call @slipstick_contraction_0(%arg0, %arg1, %arg2, %arg3, %arg4, %arg5, %arg6, %arg7, %arg8, %arg9, %arg11, %arg10, %arg13, %arg12, %21, %26, %5, %arg3, %0, %0, %3, %10, %16, %5, %4, %3) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64) -> ()
    %27 = llvm.call @_mlir_memref_to_llvm_alloc(%20) : (i64) -> !llvm.ptr
    %28 = llvm.ptrtoint %27 : !llvm.ptr to i64
    %29 = llvm.add %28, %12 : i64
    %30 = llvm.urem %29, %1 : i64
    %31 = llvm.sub %29, %30 : i64
    %32 = llvm.inttoptr %31 : i64 to !llvm.ptr
    %33 = llvm.insertvalue %27, %6[0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %34 = llvm.insertvalue %32, %33[1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %35 = llvm.insertvalue %5, %34[2] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %36 = llvm.insertvalue %arg3, %35[3, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %37 = llvm.insertvalue %0, %36[3, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %38 = llvm.insertvalue %0, %37[4, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %39 = llvm.insertvalue %3, %38[4, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    llvm.call @slipstick_kernel_1(%21, %26, %5, %arg3, %0, %0, %3, %arg14, %arg15, %arg16, %arg17, %arg18, %27, %32, %5, %arg3, %0, %0, %3) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64) -> ()
    llvm.call @_mlir_memref_to_llvm_free(%21) : (!llvm.ptr) -> ()
    llvm.call @_mlir_memref_to_llvm_free(%10) : (!llvm.ptr) -> ()
    llvm.return %39 : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
  }
  llvm.func @_mlir_ciface_main(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: !llvm.ptr, %arg4: !llvm.ptr) attributes {llvm.emit_c_interface} {
    %0 = llvm.load %arg1 : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
    %1 = llvm.extractvalue %0[0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %2 = llvm.extractvalue %0[1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %3 = llvm.extractvalue %0[2] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %4 = llvm.extractvalue %0[3, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %5 = llvm.extractvalue %0[3, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %6 = llvm.extractvalue %0[4, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %7 = llvm.extractvalue %0[4, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %8 = llvm.load %arg2 : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
    %9 = llvm.extractvalue %8[0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %10 = llvm.extractvalue %8[1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %11 = llvm.extractvalue %8[2] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %12 = llvm.extractvalue %8[3, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %13 = llvm.extractvalue %8[3, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %14 = llvm.extractvalue %8[4, 0] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %15 = llvm.extractvalue %8[4, 1] : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)> 
    %16 = llvm.load %arg3 : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
    %17 = llvm.extractvalue %16[0] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> 
    %18 = llvm.extractvalue %16[1] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> 
    %19 = llvm.extractvalue %16[2] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> 
    %20 = llvm.extractvalue %16[3, 0] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> 
    %21 = llvm.extractvalue %16[4, 0] : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> 
    %22 = llvm.load %arg4 : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64)>
    %23 = llvm.extractvalue %22[0] : !llvm.struct<(ptr, ptr, i64)> 
    %24 = llvm.extractvalue %22[1] : !llvm.struct<(ptr, ptr, i64)> 
    %25 = llvm.extractvalue %22[2] : !llvm.struct<(ptr, ptr, i64)> 
    %26 = llvm.call @main(%1, %2, %3, %4, %5, %6, %7, %9, %10, %11, %12, %13, %14, %15, %17, %18, %19, %20, %21, %23, %24, %25) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64) -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
    llvm.store %26, %arg0 : !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>, !llvm.ptr
    llvm.return
  }
  llvm.func internal @slipstick_contraction_0_panel(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: i64, %arg4: i64, %arg5: i64, %arg6: i64, %arg7: i64, %arg8: i64, %arg9: !llvm.ptr, %arg10: !llvm.ptr, %arg11: i64, %arg12: i64, %arg13: i64, %arg14: i64, %arg15: i64, %arg16: !llvm.ptr, %arg17: !llvm.ptr, %arg18: i64, %arg19: i64, %arg20: i64, %arg21: i64, %arg22: i64, %arg23: i64, %arg24: i64, %arg25: i64, %arg26: i64, %arg27: i64) attributes {no_inline, sym_visibility = "private"} {
    %0 = llvm.mlir.constant(0 : i32) : i32
    %1 = llvm.mlir.poison : vector<8xf32>
    %2 = llvm.mlir.constant(1536 : index) : i64
    %3 = llvm.mlir.constant(96 : index) : i64
    %4 = llvm.mlir.constant(4096 : index) : i64
    %5 = llvm.mlir.constant(1 : index) : i64
    %6 = llvm.mlir.constant(16 : index) : i64
    %7 = llvm.mlir.constant(0 : index) : i64
    %8 = llvm.mlir.constant(8 : index) : i64
    %9 = llvm.mlir.constant(2 : index) : i64
    %10 = llvm.mlir.constant(3 : index) : i64
    %11 = llvm.mlir.constant(4 : index) : i64
    %12 = llvm.mlir.constant(5 : index) : i64
    %13 = llvm.mlir.constant(6 : index) : i64
    %14 = llvm.mlir.constant(7 : index) : i64
    %15 = llvm.mlir.constant(9 : index) : i64
    %16 = llvm.mlir.constant(10 : index) : i64
    %17 = llvm.mlir.constant(11 : index) : i64
    %18 = llvm.mlir.constant(12 : index) : i64
    %19 = llvm.mlir.constant(13 : index) : i64
    %20 = llvm.mlir.constant(14 : index) : i64
    %21 = llvm.mlir.constant(15 : index) : i64
    %22 = llvm.mlir.constant(dense<0.000000e+00> : vector<8xf32>) : vector<8xf32>
    %23 = llvm.alloca %4 x f32 {alignment = 64 : i64} : (i64) -> !llvm.ptr
    %24 = llvm.alloca %3 x f32 {alignment = 64 : i64} : (i64) -> !llvm.ptr
    %25 = llvm.sub %arg13, %arg27 : i64
    %26 = llvm.intr.smin(%25, %6) : (i64, i64) -> i64
    %27 = llvm.icmp "eq" %26, %6 : i64
    %28 = llvm.icmp "eq" %arg15, %5 : i64
    %29 = llvm.and %27, %28 : i1
    llvm.cond_br %29, ^bb1, ^bb5
  ^bb1:  // pred: ^bb0
    llvm.br ^bb2(%7 : i64)
  ^bb2(%30: i64):  // 2 preds: ^bb1, ^bb3
    %31 = llvm.icmp "slt" %30, %arg26 : i64
    llvm.cond_br %31, ^bb3, ^bb4
  ^bb3:  // pred: ^bb2
    %32 = llvm.add %arg25, %30 : i64
    %33 = llvm.getelementptr %arg10[%arg11] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %34 = llvm.mul %32, %arg14 : i64
    %35 = llvm.add %34, %arg27 : i64
    %36 = llvm.getelementptr %33[%35] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %37 = llvm.load %36 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %38 = llvm.mul %30, %6 : i64
    %39 = llvm.add %38, %7 : i64
    %40 = llvm.getelementptr %23[%39] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %37, %40 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %41 = llvm.add %arg27, %8 : i64
    %42 = llvm.add %34, %41 : i64
    %43 = llvm.getelementptr %33[%42] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %44 = llvm.load %43 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %45 = llvm.add %38, %8 : i64
    %46 = llvm.getelementptr %23[%45] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %44, %46 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %47 = llvm.add %30, %5 : i64
    llvm.br ^bb2(%47 : i64)
  ^bb4:  // 2 preds: ^bb2, ^bb15
    llvm.br ^bb22
  ^bb5:  // pred: ^bb0
    %48 = llvm.icmp "eq" %arg14, %5 : i64
    %49 = llvm.and %27, %48 : i1
    llvm.cond_br %49, ^bb6, ^bb16
  ^bb6:  // pred: ^bb5
    %50 = llvm.sdiv %arg26, %8 : i64
    %51 = llvm.mul %50, %8 : i64
    llvm.br ^bb7(%7 : i64)
  ^bb7(%52: i64):  // 2 preds: ^bb6, ^bb8
    %53 = llvm.icmp "slt" %52, %51 : i64
    llvm.cond_br %53, ^bb8, ^bb9
  ^bb8:  // pred: ^bb7
    %54 = llvm.add %arg25, %52 : i64
    %55 = llvm.getelementptr %arg10[%arg11] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %56 = llvm.mul %arg27, %arg15 : i64
    %57 = llvm.add %56, %54 : i64
    %58 = llvm.getelementptr %55[%57] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %59 = llvm.load %58 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %60 = llvm.add %arg27, %5 : i64
    %61 = llvm.mul %60, %arg15 : i64
    %62 = llvm.add %61, %54 : i64
    %63 = llvm.getelementptr %55[%62] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %64 = llvm.load %63 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %65 = llvm.add %arg27, %9 : i64
    %66 = llvm.mul %65, %arg15 : i64
    %67 = llvm.add %66, %54 : i64
    %68 = llvm.getelementptr %55[%67] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %69 = llvm.load %68 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %70 = llvm.add %arg27, %10 : i64
    %71 = llvm.mul %70, %arg15 : i64
    %72 = llvm.add %71, %54 : i64
    %73 = llvm.getelementptr %55[%72] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %74 = llvm.load %73 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %75 = llvm.add %arg27, %11 : i64
    %76 = llvm.mul %75, %arg15 : i64
    %77 = llvm.add %76, %54 : i64
    %78 = llvm.getelementptr %55[%77] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %79 = llvm.load %78 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %80 = llvm.add %arg27, %12 : i64
    %81 = llvm.mul %80, %arg15 : i64
    %82 = llvm.add %81, %54 : i64
    %83 = llvm.getelementptr %55[%82] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %84 = llvm.load %83 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %85 = llvm.add %arg27, %13 : i64
    %86 = llvm.mul %85, %arg15 : i64
    %87 = llvm.add %86, %54 : i64
    %88 = llvm.getelementptr %55[%87] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %89 = llvm.load %88 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %90 = llvm.add %arg27, %14 : i64
    %91 = llvm.mul %90, %arg15 : i64
    %92 = llvm.add %91, %54 : i64
    %93 = llvm.getelementptr %55[%92] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %94 = llvm.load %93 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %95 = llvm.shufflevector %59, %79 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %96 = llvm.shufflevector %59, %79 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %97 = llvm.shufflevector %64, %84 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %98 = llvm.shufflevector %64, %84 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %99 = llvm.shufflevector %69, %89 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %100 = llvm.shufflevector %69, %89 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %101 = llvm.shufflevector %74, %94 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %102 = llvm.shufflevector %74, %94 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %103 = llvm.shufflevector %95, %99 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %104 = llvm.shufflevector %95, %99 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %105 = llvm.shufflevector %96, %100 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %106 = llvm.shufflevector %96, %100 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %107 = llvm.shufflevector %97, %101 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %108 = llvm.shufflevector %97, %101 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %109 = llvm.shufflevector %98, %102 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %110 = llvm.shufflevector %98, %102 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %111 = llvm.shufflevector %103, %107 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %112 = llvm.shufflevector %103, %107 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %113 = llvm.shufflevector %104, %108 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %114 = llvm.shufflevector %104, %108 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %115 = llvm.shufflevector %105, %109 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %116 = llvm.shufflevector %105, %109 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %117 = llvm.shufflevector %106, %110 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %118 = llvm.shufflevector %106, %110 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %119 = llvm.mul %52, %6 : i64
    %120 = llvm.add %119, %7 : i64
    %121 = llvm.getelementptr %23[%120] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %111, %121 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %122 = llvm.add %52, %5 : i64
    %123 = llvm.mul %122, %6 : i64
    %124 = llvm.add %123, %7 : i64
    %125 = llvm.getelementptr %23[%124] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %112, %125 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %126 = llvm.add %52, %9 : i64
    %127 = llvm.mul %126, %6 : i64
    %128 = llvm.add %127, %7 : i64
    %129 = llvm.getelementptr %23[%128] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %113, %129 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %130 = llvm.add %52, %10 : i64
    %131 = llvm.mul %130, %6 : i64
    %132 = llvm.add %131, %7 : i64
    %133 = llvm.getelementptr %23[%132] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %114, %133 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %134 = llvm.add %52, %11 : i64
    %135 = llvm.mul %134, %6 : i64
    %136 = llvm.add %135, %7 : i64
    %137 = llvm.getelementptr %23[%136] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %115, %137 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %138 = llvm.add %52, %12 : i64
    %139 = llvm.mul %138, %6 : i64
    %140 = llvm.add %139, %7 : i64
    %141 = llvm.getelementptr %23[%140] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %116, %141 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %142 = llvm.add %52, %13 : i64
    %143 = llvm.mul %142, %6 : i64
    %144 = llvm.add %143, %7 : i64
    %145 = llvm.getelementptr %23[%144] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %117, %145 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %146 = llvm.add %52, %14 : i64
    %147 = llvm.mul %146, %6 : i64
    %148 = llvm.add %147, %7 : i64
    %149 = llvm.getelementptr %23[%148] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %118, %149 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %150 = llvm.add %arg27, %8 : i64
    %151 = llvm.mul %150, %arg15 : i64
    %152 = llvm.add %151, %54 : i64
    %153 = llvm.getelementptr %55[%152] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %154 = llvm.load %153 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %155 = llvm.add %arg27, %15 : i64
    %156 = llvm.mul %155, %arg15 : i64
    %157 = llvm.add %156, %54 : i64
    %158 = llvm.getelementptr %55[%157] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %159 = llvm.load %158 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %160 = llvm.add %arg27, %16 : i64
    %161 = llvm.mul %160, %arg15 : i64
    %162 = llvm.add %161, %54 : i64
    %163 = llvm.getelementptr %55[%162] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %164 = llvm.load %163 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %165 = llvm.add %arg27, %17 : i64
    %166 = llvm.mul %165, %arg15 : i64
    %167 = llvm.add %166, %54 : i64
    %168 = llvm.getelementptr %55[%167] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %169 = llvm.load %168 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %170 = llvm.add %arg27, %18 : i64
    %171 = llvm.mul %170, %arg15 : i64
    %172 = llvm.add %171, %54 : i64
    %173 = llvm.getelementptr %55[%172] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %174 = llvm.load %173 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %175 = llvm.add %arg27, %19 : i64
    %176 = llvm.mul %175, %arg15 : i64
    %177 = llvm.add %176, %54 : i64
    %178 = llvm.getelementptr %55[%177] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %179 = llvm.load %178 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %180 = llvm.add %arg27, %20 : i64
    %181 = llvm.mul %180, %arg15 : i64
    %182 = llvm.add %181, %54 : i64
    %183 = llvm.getelementptr %55[%182] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %184 = llvm.load %183 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %185 = llvm.add %arg27, %21 : i64
    %186 = llvm.mul %185, %arg15 : i64
    %187 = llvm.add %186, %54 : i64
    %188 = llvm.getelementptr %55[%187] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %189 = llvm.load %188 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %190 = llvm.shufflevector %154, %174 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %191 = llvm.shufflevector %154, %174 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %192 = llvm.shufflevector %159, %179 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %193 = llvm.shufflevector %159, %179 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %194 = llvm.shufflevector %164, %184 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %195 = llvm.shufflevector %164, %184 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %196 = llvm.shufflevector %169, %189 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %197 = llvm.shufflevector %169, %189 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %198 = llvm.shufflevector %190, %194 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %199 = llvm.shufflevector %190, %194 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %200 = llvm.shufflevector %191, %195 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %201 = llvm.shufflevector %191, %195 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %202 = llvm.shufflevector %192, %196 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %203 = llvm.shufflevector %192, %196 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %204 = llvm.shufflevector %193, %197 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %205 = llvm.shufflevector %193, %197 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %206 = llvm.shufflevector %198, %202 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %207 = llvm.shufflevector %198, %202 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %208 = llvm.shufflevector %199, %203 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %209 = llvm.shufflevector %199, %203 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %210 = llvm.shufflevector %200, %204 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %211 = llvm.shufflevector %200, %204 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %212 = llvm.shufflevector %201, %205 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32> 
    %213 = llvm.shufflevector %201, %205 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32> 
    %214 = llvm.add %119, %8 : i64
    %215 = llvm.getelementptr %23[%214] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %206, %215 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %216 = llvm.add %123, %8 : i64
    %217 = llvm.getelementptr %23[%216] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %207, %217 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %218 = llvm.add %127, %8 : i64
    %219 = llvm.getelementptr %23[%218] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %208, %219 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %220 = llvm.add %131, %8 : i64
    %221 = llvm.getelementptr %23[%220] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %209, %221 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %222 = llvm.add %135, %8 : i64
    %223 = llvm.getelementptr %23[%222] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %210, %223 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %224 = llvm.add %139, %8 : i64
    %225 = llvm.getelementptr %23[%224] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %211, %225 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %226 = llvm.add %143, %8 : i64
    %227 = llvm.getelementptr %23[%226] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %212, %227 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %228 = llvm.add %147, %8 : i64
    %229 = llvm.getelementptr %23[%228] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %213, %229 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %230 = llvm.add %52, %8 : i64
    llvm.br ^bb7(%230 : i64)
  ^bb9:  // pred: ^bb7
    llvm.br ^bb10(%7 : i64)
  ^bb10(%231: i64):  // 2 preds: ^bb9, ^bb14
    %232 = llvm.icmp "slt" %231, %6 : i64
    llvm.cond_br %232, ^bb11, ^bb15
  ^bb11:  // pred: ^bb10
    %233 = llvm.icmp "slt" %231, %26 : i64
    %234 = llvm.select %233, %231, %7 : i1, i64
    %235 = llvm.add %arg27, %234 : i64
    llvm.br ^bb12(%51 : i64)
  ^bb12(%236: i64):  // 2 preds: ^bb11, ^bb13
    %237 = llvm.icmp "slt" %236, %arg26 : i64
    llvm.cond_br %237, ^bb13, ^bb14
  ^bb13:  // pred: ^bb12
    %238 = llvm.add %arg25, %236 : i64
    %239 = llvm.getelementptr %arg10[%arg11] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %240 = llvm.mul %238, %arg14 overflow<nsw> : i64
    %241 = llvm.mul %235, %arg15 overflow<nsw> : i64
    %242 = llvm.add %240, %241 overflow<nsw> : i64
    %243 = llvm.getelementptr inbounds %239[%242] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %244 = llvm.load %243 : !llvm.ptr -> f32
    %245 = llvm.mul %236, %6 overflow<nsw, nuw> : i64
    %246 = llvm.add %245, %231 overflow<nsw, nuw> : i64
    %247 = llvm.getelementptr inbounds|nuw %23[%246] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %244, %247 : f32, !llvm.ptr
    %248 = llvm.add %236, %5 : i64
    llvm.br ^bb12(%248 : i64)
  ^bb14:  // pred: ^bb12
    %249 = llvm.add %231, %5 : i64
    llvm.br ^bb10(%249 : i64)
  ^bb15:  // 2 preds: ^bb10, ^bb17
    llvm.br ^bb4
  ^bb16:  // pred: ^bb5
    llvm.br ^bb17(%7 : i64)
  ^bb17(%250: i64):  // 2 preds: ^bb16, ^bb21
    %251 = llvm.icmp "slt" %250, %6 : i64
    llvm.cond_br %251, ^bb18, ^bb15
  ^bb18:  // pred: ^bb17
    %252 = llvm.icmp "slt" %250, %26 : i64
    %253 = llvm.select %252, %250, %7 : i1, i64
    %254 = llvm.add %arg27, %253 : i64
    llvm.br ^bb19(%7 : i64)
  ^bb19(%255: i64):  // 2 preds: ^bb18, ^bb20
    %256 = llvm.icmp "slt" %255, %arg26 : i64
    llvm.cond_br %256, ^bb20, ^bb21
  ^bb20:  // pred: ^bb19
    %257 = llvm.add %arg25, %255 : i64
    %258 = llvm.getelementptr %arg10[%arg11] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %259 = llvm.mul %257, %arg14 overflow<nsw> : i64
    %260 = llvm.mul %254, %arg15 overflow<nsw> : i64
    %261 = llvm.add %259, %260 overflow<nsw> : i64
    %262 = llvm.getelementptr inbounds %258[%261] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %263 = llvm.load %262 : !llvm.ptr -> f32
    %264 = llvm.mul %255, %6 overflow<nsw, nuw> : i64
    %265 = llvm.add %264, %250 overflow<nsw, nuw> : i64
    %266 = llvm.getelementptr inbounds|nuw %23[%265] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %263, %266 : f32, !llvm.ptr
    %267 = llvm.add %255, %5 : i64
    llvm.br ^bb19(%267 : i64)
  ^bb21:  // pred: ^bb19
    %268 = llvm.add %250, %5 : i64
    llvm.br ^bb17(%268 : i64)
  ^bb22:  // pred: ^bb4
    llvm.br ^bb23(%7 : i64)
  ^bb23(%269: i64):  // 2 preds: ^bb22, ^bb40
    %270 = llvm.icmp "slt" %269, %arg24 : i64
    llvm.cond_br %270, ^bb24, ^bb41
  ^bb24:  // pred: ^bb23
    %271 = llvm.mul %269, %13 : i64
    %272 = llvm.add %arg23, %271 : i64
    %273 = llvm.sub %arg19, %272 : i64
    %274 = llvm.intr.smin(%273, %13) : (i64, i64) -> i64
    %275 = llvm.icmp "eq" %274, %13 : i64
    %276 = llvm.and %275, %27 : i1
    llvm.cond_br %276, ^bb25, ^bb26
  ^bb25:  // pred: ^bb24
    %277 = llvm.getelementptr %arg17[%arg18] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %278 = llvm.mul %272, %arg21 : i64
    %279 = llvm.add %278, %arg27 : i64
    %280 = llvm.getelementptr %277[%279] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %281 = llvm.load %280 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %282 = llvm.add %arg27, %8 : i64
    %283 = llvm.add %278, %282 : i64
    %284 = llvm.getelementptr %277[%283] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %285 = llvm.load %284 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %286 = llvm.add %272, %5 : i64
    %287 = llvm.mul %286, %arg21 : i64
    %288 = llvm.add %287, %arg27 : i64
    %289 = llvm.getelementptr %277[%288] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %290 = llvm.load %289 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %291 = llvm.add %287, %282 : i64
    %292 = llvm.getelementptr %277[%291] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %293 = llvm.load %292 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %294 = llvm.add %272, %9 : i64
    %295 = llvm.mul %294, %arg21 : i64
    %296 = llvm.add %295, %arg27 : i64
    %297 = llvm.getelementptr %277[%296] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %298 = llvm.load %297 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %299 = llvm.add %295, %282 : i64
    %300 = llvm.getelementptr %277[%299] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %301 = llvm.load %300 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %302 = llvm.add %272, %10 : i64
    %303 = llvm.mul %302, %arg21 : i64
    %304 = llvm.add %303, %arg27 : i64
    %305 = llvm.getelementptr %277[%304] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %306 = llvm.load %305 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %307 = llvm.add %303, %282 : i64
    %308 = llvm.getelementptr %277[%307] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %309 = llvm.load %308 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %310 = llvm.add %272, %11 : i64
    %311 = llvm.mul %310, %arg21 : i64
    %312 = llvm.add %311, %arg27 : i64
    %313 = llvm.getelementptr %277[%312] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %314 = llvm.load %313 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %315 = llvm.add %311, %282 : i64
    %316 = llvm.getelementptr %277[%315] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %317 = llvm.load %316 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %318 = llvm.add %272, %12 : i64
    %319 = llvm.mul %318, %arg21 : i64
    %320 = llvm.add %319, %arg27 : i64
    %321 = llvm.getelementptr %277[%320] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %322 = llvm.load %321 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %323 = llvm.add %319, %282 : i64
    %324 = llvm.getelementptr %277[%323] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %325 = llvm.load %324 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    llvm.br ^bb27(%281, %285, %290, %293, %298, %301, %306, %309, %314, %317, %322, %325 : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  ^bb26:  // pred: ^bb24
    llvm.br ^bb27(%22, %22, %22, %22, %22, %22, %22, %22, %22, %22, %22, %22 : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  ^bb27(%326: vector<8xf32>, %327: vector<8xf32>, %328: vector<8xf32>, %329: vector<8xf32>, %330: vector<8xf32>, %331: vector<8xf32>, %332: vector<8xf32>, %333: vector<8xf32>, %334: vector<8xf32>, %335: vector<8xf32>, %336: vector<8xf32>, %337: vector<8xf32>):  // 2 preds: ^bb25, ^bb26
    llvm.br ^bb28
  ^bb28:  // pred: ^bb27
    llvm.br ^bb29(%7, %326, %327, %328, %329, %330, %331, %332, %333, %334, %335, %336, %337 : i64, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  ^bb29(%338: i64, %339: vector<8xf32>, %340: vector<8xf32>, %341: vector<8xf32>, %342: vector<8xf32>, %343: vector<8xf32>, %344: vector<8xf32>, %345: vector<8xf32>, %346: vector<8xf32>, %347: vector<8xf32>, %348: vector<8xf32>, %349: vector<8xf32>, %350: vector<8xf32>):  // 2 preds: ^bb28, ^bb30
    %351 = llvm.icmp "slt" %338, %arg26 : i64
    llvm.cond_br %351, ^bb30, ^bb31
  ^bb30:  // pred: ^bb29
    %352 = llvm.mul %338, %6 : i64
    %353 = llvm.add %352, %7 : i64
    %354 = llvm.getelementptr %23[%353] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %355 = llvm.load %354 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %356 = llvm.add %352, %8 : i64
    %357 = llvm.getelementptr %23[%356] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %358 = llvm.load %357 {alignment = 4 : i64} : !llvm.ptr -> vector<8xf32>
    %359 = llvm.mul %269, %2 overflow<nsw, nuw> : i64
    %360 = llvm.mul %338, %13 overflow<nsw, nuw> : i64
    %361 = llvm.add %359, %360 overflow<nsw, nuw> : i64
    %362 = llvm.add %361, %7 overflow<nsw, nuw> : i64
    %363 = llvm.getelementptr inbounds|nuw %arg1[%362] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %364 = llvm.load %363 : !llvm.ptr -> f32
    %365 = llvm.insertelement %364, %1[%0 : i32] : vector<8xf32>
    %366 = llvm.shufflevector %365, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %367 = llvm.intr.fmuladd(%366, %355, %339) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %368 = llvm.intr.fmuladd(%366, %358, %340) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %369 = llvm.add %361, %5 overflow<nsw, nuw> : i64
    %370 = llvm.getelementptr inbounds|nuw %arg1[%369] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %371 = llvm.load %370 : !llvm.ptr -> f32
    %372 = llvm.insertelement %371, %1[%0 : i32] : vector<8xf32>
    %373 = llvm.shufflevector %372, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %374 = llvm.intr.fmuladd(%373, %355, %341) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %375 = llvm.intr.fmuladd(%373, %358, %342) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %376 = llvm.add %361, %9 overflow<nsw, nuw> : i64
    %377 = llvm.getelementptr inbounds|nuw %arg1[%376] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %378 = llvm.load %377 : !llvm.ptr -> f32
    %379 = llvm.insertelement %378, %1[%0 : i32] : vector<8xf32>
    %380 = llvm.shufflevector %379, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %381 = llvm.intr.fmuladd(%380, %355, %343) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %382 = llvm.intr.fmuladd(%380, %358, %344) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %383 = llvm.add %361, %10 overflow<nsw, nuw> : i64
    %384 = llvm.getelementptr inbounds|nuw %arg1[%383] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %385 = llvm.load %384 : !llvm.ptr -> f32
    %386 = llvm.insertelement %385, %1[%0 : i32] : vector<8xf32>
    %387 = llvm.shufflevector %386, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %388 = llvm.intr.fmuladd(%387, %355, %345) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %389 = llvm.intr.fmuladd(%387, %358, %346) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %390 = llvm.add %361, %11 overflow<nsw, nuw> : i64
    %391 = llvm.getelementptr inbounds|nuw %arg1[%390] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %392 = llvm.load %391 : !llvm.ptr -> f32
    %393 = llvm.insertelement %392, %1[%0 : i32] : vector<8xf32>
    %394 = llvm.shufflevector %393, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %395 = llvm.intr.fmuladd(%394, %355, %347) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %396 = llvm.intr.fmuladd(%394, %358, %348) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %397 = llvm.add %361, %12 overflow<nsw, nuw> : i64
    %398 = llvm.getelementptr inbounds|nuw %arg1[%397] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %399 = llvm.load %398 : !llvm.ptr -> f32
    %400 = llvm.insertelement %399, %1[%0 : i32] : vector<8xf32>
    %401 = llvm.shufflevector %400, %1 [0, 0, 0, 0, 0, 0, 0, 0] : vector<8xf32> 
    %402 = llvm.intr.fmuladd(%401, %355, %349) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %403 = llvm.intr.fmuladd(%401, %358, %350) : (vector<8xf32>, vector<8xf32>, vector<8xf32>) -> vector<8xf32>
    %404 = llvm.add %338, %5 : i64
    llvm.br ^bb29(%404, %367, %368, %374, %375, %381, %382, %388, %389, %395, %396, %402, %403 : i64, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
  ^bb31:  // pred: ^bb29
    llvm.cond_br %276, ^bb32, ^bb33
  ^bb32:  // pred: ^bb31
    %405 = llvm.getelementptr %arg17[%arg18] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %406 = llvm.mul %272, %arg21 : i64
    %407 = llvm.add %406, %arg27 : i64
    %408 = llvm.getelementptr %405[%407] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %339, %408 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %409 = llvm.add %arg27, %8 : i64
    %410 = llvm.add %406, %409 : i64
    %411 = llvm.getelementptr %405[%410] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %340, %411 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %412 = llvm.add %272, %5 : i64
    %413 = llvm.mul %412, %arg21 : i64
    %414 = llvm.add %413, %arg27 : i64
    %415 = llvm.getelementptr %405[%414] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %341, %415 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %416 = llvm.add %413, %409 : i64
    %417 = llvm.getelementptr %405[%416] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %342, %417 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %418 = llvm.add %272, %9 : i64
    %419 = llvm.mul %418, %arg21 : i64
    %420 = llvm.add %419, %arg27 : i64
    %421 = llvm.getelementptr %405[%420] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %343, %421 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %422 = llvm.add %419, %409 : i64
    %423 = llvm.getelementptr %405[%422] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %344, %423 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %424 = llvm.add %272, %10 : i64
    %425 = llvm.mul %424, %arg21 : i64
    %426 = llvm.add %425, %arg27 : i64
    %427 = llvm.getelementptr %405[%426] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %345, %427 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %428 = llvm.add %425, %409 : i64
    %429 = llvm.getelementptr %405[%428] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %346, %429 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %430 = llvm.add %272, %11 : i64
    %431 = llvm.mul %430, %arg21 : i64
    %432 = llvm.add %431, %arg27 : i64
    %433 = llvm.getelementptr %405[%432] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %347, %433 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %434 = llvm.add %431, %409 : i64
    %435 = llvm.getelementptr %405[%434] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %348, %435 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %436 = llvm.add %272, %12 : i64
    %437 = llvm.mul %436, %arg21 : i64
    %438 = llvm.add %437, %arg27 : i64
    %439 = llvm.getelementptr %405[%438] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %349, %439 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %440 = llvm.add %437, %409 : i64
    %441 = llvm.getelementptr %405[%440] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %350, %441 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    llvm.br ^bb40
  ^bb33:  // pred: ^bb31
    %442 = llvm.mul %7, %6 : i64
    %443 = llvm.add %442, %7 : i64
    %444 = llvm.getelementptr %24[%443] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %339, %444 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %445 = llvm.add %442, %8 : i64
    %446 = llvm.getelementptr %24[%445] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %340, %446 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %447 = llvm.mul %5, %6 : i64
    %448 = llvm.add %447, %7 : i64
    %449 = llvm.getelementptr %24[%448] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %341, %449 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %450 = llvm.add %447, %8 : i64
    %451 = llvm.getelementptr %24[%450] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %342, %451 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %452 = llvm.mul %9, %6 : i64
    %453 = llvm.add %452, %7 : i64
    %454 = llvm.getelementptr %24[%453] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %343, %454 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %455 = llvm.add %452, %8 : i64
    %456 = llvm.getelementptr %24[%455] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %344, %456 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %457 = llvm.mul %10, %6 : i64
    %458 = llvm.add %457, %7 : i64
    %459 = llvm.getelementptr %24[%458] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %345, %459 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %460 = llvm.add %457, %8 : i64
    %461 = llvm.getelementptr %24[%460] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %346, %461 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %462 = llvm.mul %11, %6 : i64
    %463 = llvm.add %462, %7 : i64
    %464 = llvm.getelementptr %24[%463] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %347, %464 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %465 = llvm.add %462, %8 : i64
    %466 = llvm.getelementptr %24[%465] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %348, %466 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %467 = llvm.mul %12, %6 : i64
    %468 = llvm.add %467, %7 : i64
    %469 = llvm.getelementptr %24[%468] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %349, %469 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    %470 = llvm.add %467, %8 : i64
    %471 = llvm.getelementptr %24[%470] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %350, %471 {alignment = 4 : i64} : vector<8xf32>, !llvm.ptr
    llvm.br ^bb34(%7 : i64)
  ^bb34(%472: i64):  // 2 preds: ^bb33, ^bb38
    %473 = llvm.icmp "slt" %472, %274 : i64
    llvm.cond_br %473, ^bb35, ^bb39
  ^bb35:  // pred: ^bb34
    llvm.br ^bb36(%7 : i64)
  ^bb36(%474: i64):  // 2 preds: ^bb35, ^bb37
    %475 = llvm.icmp "slt" %474, %26 : i64
    llvm.cond_br %475, ^bb37, ^bb38
  ^bb37:  // pred: ^bb36
    %476 = llvm.add %272, %472 : i64
    %477 = llvm.add %arg27, %474 : i64
    %478 = llvm.getelementptr %arg17[%arg18] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %479 = llvm.mul %476, %arg21 overflow<nsw> : i64
    %480 = llvm.add %479, %477 overflow<nsw> : i64
    %481 = llvm.getelementptr inbounds %478[%480] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %482 = llvm.load %481 : !llvm.ptr -> f32
    %483 = llvm.mul %472, %6 overflow<nsw, nuw> : i64
    %484 = llvm.add %483, %474 overflow<nsw, nuw> : i64
    %485 = llvm.getelementptr inbounds|nuw %24[%484] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %486 = llvm.load %485 : !llvm.ptr -> f32
    %487 = llvm.fadd %482, %486 : f32
    llvm.store %487, %481 : f32, !llvm.ptr
    %488 = llvm.add %474, %5 : i64
    llvm.br ^bb36(%488 : i64)
  ^bb38:  // pred: ^bb36
    %489 = llvm.add %472, %5 : i64
    llvm.br ^bb34(%489 : i64)
  ^bb39:  // pred: ^bb34
    llvm.br ^bb40
  ^bb40:  // 2 preds: ^bb32, ^bb39
    %490 = llvm.add %269, %5 : i64
    llvm.br ^bb23(%490 : i64)
  ^bb41:  // pred: ^bb23
    llvm.return
  }
  llvm.func internal @slipstick_contraction_0(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: i64, %arg3: i64, %arg4: i64, %arg5: i64, %arg6: i64, %arg7: !llvm.ptr, %arg8: !llvm.ptr, %arg9: i64, %arg10: i64, %arg11: i64, %arg12: i64, %arg13: i64, %arg14: !llvm.ptr, %arg15: !llvm.ptr, %arg16: i64, %arg17: i64, %arg18: i64, %arg19: i64, %arg20: i64, %arg21: !llvm.ptr, %arg22: !llvm.ptr {llvm.noalias}, %arg23: i64, %arg24: i64, %arg25: i64) attributes {no_inline, slipstick.noalias = array<i64: 3>, sym_visibility = "private"} {
    %0 = llvm.mlir.constant(false) : i1
    %1 = llvm.mlir.constant(1536 : index) : i64
    %2 = llvm.mlir.constant(42 : index) : i64
    %3 = llvm.mlir.constant(0 : index) : i64
    %4 = llvm.mlir.constant(1 : index) : i64
    %5 = llvm.mlir.constant(252 : index) : i64
    %6 = llvm.mlir.constant(6 : index) : i64
    %7 = llvm.mlir.constant(256 : index) : i64
    %8 = llvm.mlir.constant(2 : index) : i64
    %9 = llvm.mlir.constant(3 : index) : i64
    %10 = llvm.mlir.constant(4 : index) : i64
    %11 = llvm.mlir.constant(5 : index) : i64
    %12 = llvm.mlir.constant(16 : index) : i64
    llvm.br ^bb1(%3 : i64)
  ^bb1(%13: i64):  // 2 preds: ^bb0, ^bb29
    %14 = llvm.icmp "slt" %13, %arg3 : i64
    llvm.cond_br %14, ^bb2, ^bb30
  ^bb2:  // pred: ^bb1
    %15 = llvm.sub %arg3, %13 : i64
    %16 = llvm.intr.smin(%15, %5) : (i64, i64) -> i64
    %17 = llvm.sdiv %16, %6 : i64
    %18 = llvm.mul %17, %6 : i64
    %19 = llvm.icmp "ne" %16, %18 : i64
    %20 = llvm.icmp "slt" %16, %3 : i64
    %21 = llvm.icmp "eq" %20, %0 : i1
    %22 = llvm.and %19, %21 : i1
    %23 = llvm.add %17, %4 : i64
    %24 = llvm.select %22, %23, %17 : i1, i64
    llvm.br ^bb3(%3 : i64)
  ^bb3(%25: i64):  // 2 preds: ^bb2, ^bb28
    %26 = llvm.icmp "slt" %25, %arg4 : i64
    llvm.cond_br %26, ^bb4, ^bb29
  ^bb4:  // pred: ^bb3
    %27 = llvm.sub %arg4, %25 : i64
    %28 = llvm.intr.smin(%27, %7) : (i64, i64) -> i64
    llvm.br ^bb5(%3 : i64)
  ^bb5(%29: i64):  // 2 preds: ^bb4, ^bb24
    %30 = llvm.icmp "slt" %29, %24 : i64
    llvm.cond_br %30, ^bb6, ^bb25
  ^bb6:  // pred: ^bb5
    %31 = llvm.mul %29, %6 : i64
    %32 = llvm.add %13, %31 : i64
    %33 = llvm.add %32, %4 : i64
    %34 = llvm.add %32, %8 : i64
    %35 = llvm.add %32, %9 : i64
    %36 = llvm.add %32, %10 : i64
    %37 = llvm.add %32, %11 : i64
    %38 = llvm.icmp "slt" %32, %arg3 : i64
    %39 = llvm.select %38, %32, %3 : i1, i64
    %40 = llvm.icmp "slt" %33, %arg3 : i64
    %41 = llvm.select %40, %33, %3 : i1, i64
    %42 = llvm.icmp "slt" %34, %arg3 : i64
    %43 = llvm.select %42, %34, %3 : i1, i64
    %44 = llvm.icmp "slt" %35, %arg3 : i64
    %45 = llvm.select %44, %35, %3 : i1, i64
    %46 = llvm.icmp "slt" %36, %arg3 : i64
    %47 = llvm.select %46, %36, %3 : i1, i64
    %48 = llvm.icmp "slt" %37, %arg3 : i64
    %49 = llvm.select %48, %37, %3 : i1, i64
    llvm.br ^bb7(%3 : i64)
  ^bb7(%50: i64):  // 2 preds: ^bb6, ^bb8
    %51 = llvm.icmp "slt" %50, %28 : i64
    llvm.cond_br %51, ^bb8, ^bb9
  ^bb8:  // pred: ^bb7
    %52 = llvm.add %25, %50 : i64
    %53 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %54 = llvm.mul %39, %arg5 overflow<nsw> : i64
    %55 = llvm.mul %52, %arg6 overflow<nsw> : i64
    %56 = llvm.add %54, %55 overflow<nsw> : i64
    %57 = llvm.getelementptr inbounds %53[%56] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %58 = llvm.load %57 : !llvm.ptr -> f32
    %59 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %60 = llvm.mul %50, %6 overflow<nsw, nuw> : i64
    %61 = llvm.add %59, %60 overflow<nsw, nuw> : i64
    %62 = llvm.add %61, %3 overflow<nsw, nuw> : i64
    %63 = llvm.getelementptr inbounds|nuw %arg22[%62] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %58, %63 : f32, !llvm.ptr
    %64 = llvm.add %50, %4 : i64
    llvm.br ^bb7(%64 : i64)
  ^bb9:  // pred: ^bb7
    llvm.br ^bb10(%3 : i64)
  ^bb10(%65: i64):  // 2 preds: ^bb9, ^bb11
    %66 = llvm.icmp "slt" %65, %28 : i64
    llvm.cond_br %66, ^bb11, ^bb12
  ^bb11:  // pred: ^bb10
    %67 = llvm.add %25, %65 : i64
    %68 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %69 = llvm.mul %41, %arg5 overflow<nsw> : i64
    %70 = llvm.mul %67, %arg6 overflow<nsw> : i64
    %71 = llvm.add %69, %70 overflow<nsw> : i64
    %72 = llvm.getelementptr inbounds %68[%71] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %73 = llvm.load %72 : !llvm.ptr -> f32
    %74 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %75 = llvm.mul %65, %6 overflow<nsw, nuw> : i64
    %76 = llvm.add %74, %75 overflow<nsw, nuw> : i64
    %77 = llvm.add %76, %4 overflow<nsw, nuw> : i64
    %78 = llvm.getelementptr inbounds|nuw %arg22[%77] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %73, %78 : f32, !llvm.ptr
    %79 = llvm.add %65, %4 : i64
    llvm.br ^bb10(%79 : i64)
  ^bb12:  // pred: ^bb10
    llvm.br ^bb13(%3 : i64)
  ^bb13(%80: i64):  // 2 preds: ^bb12, ^bb14
    %81 = llvm.icmp "slt" %80, %28 : i64
    llvm.cond_br %81, ^bb14, ^bb15
  ^bb14:  // pred: ^bb13
    %82 = llvm.add %25, %80 : i64
    %83 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %84 = llvm.mul %43, %arg5 overflow<nsw> : i64
    %85 = llvm.mul %82, %arg6 overflow<nsw> : i64
    %86 = llvm.add %84, %85 overflow<nsw> : i64
    %87 = llvm.getelementptr inbounds %83[%86] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %88 = llvm.load %87 : !llvm.ptr -> f32
    %89 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %90 = llvm.mul %80, %6 overflow<nsw, nuw> : i64
    %91 = llvm.add %89, %90 overflow<nsw, nuw> : i64
    %92 = llvm.add %91, %8 overflow<nsw, nuw> : i64
    %93 = llvm.getelementptr inbounds|nuw %arg22[%92] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %88, %93 : f32, !llvm.ptr
    %94 = llvm.add %80, %4 : i64
    llvm.br ^bb13(%94 : i64)
  ^bb15:  // pred: ^bb13
    llvm.br ^bb16(%3 : i64)
  ^bb16(%95: i64):  // 2 preds: ^bb15, ^bb17
    %96 = llvm.icmp "slt" %95, %28 : i64
    llvm.cond_br %96, ^bb17, ^bb18
  ^bb17:  // pred: ^bb16
    %97 = llvm.add %25, %95 : i64
    %98 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %99 = llvm.mul %45, %arg5 overflow<nsw> : i64
    %100 = llvm.mul %97, %arg6 overflow<nsw> : i64
    %101 = llvm.add %99, %100 overflow<nsw> : i64
    %102 = llvm.getelementptr inbounds %98[%101] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %103 = llvm.load %102 : !llvm.ptr -> f32
    %104 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %105 = llvm.mul %95, %6 overflow<nsw, nuw> : i64
    %106 = llvm.add %104, %105 overflow<nsw, nuw> : i64
    %107 = llvm.add %106, %9 overflow<nsw, nuw> : i64
    %108 = llvm.getelementptr inbounds|nuw %arg22[%107] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %103, %108 : f32, !llvm.ptr
    %109 = llvm.add %95, %4 : i64
    llvm.br ^bb16(%109 : i64)
  ^bb18:  // pred: ^bb16
    llvm.br ^bb19(%3 : i64)
  ^bb19(%110: i64):  // 2 preds: ^bb18, ^bb20
    %111 = llvm.icmp "slt" %110, %28 : i64
    llvm.cond_br %111, ^bb20, ^bb21
  ^bb20:  // pred: ^bb19
    %112 = llvm.add %25, %110 : i64
    %113 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %114 = llvm.mul %47, %arg5 overflow<nsw> : i64
    %115 = llvm.mul %112, %arg6 overflow<nsw> : i64
    %116 = llvm.add %114, %115 overflow<nsw> : i64
    %117 = llvm.getelementptr inbounds %113[%116] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %118 = llvm.load %117 : !llvm.ptr -> f32
    %119 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %120 = llvm.mul %110, %6 overflow<nsw, nuw> : i64
    %121 = llvm.add %119, %120 overflow<nsw, nuw> : i64
    %122 = llvm.add %121, %10 overflow<nsw, nuw> : i64
    %123 = llvm.getelementptr inbounds|nuw %arg22[%122] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %118, %123 : f32, !llvm.ptr
    %124 = llvm.add %110, %4 : i64
    llvm.br ^bb19(%124 : i64)
  ^bb21:  // pred: ^bb19
    llvm.br ^bb22(%3 : i64)
  ^bb22(%125: i64):  // 2 preds: ^bb21, ^bb23
    %126 = llvm.icmp "slt" %125, %28 : i64
    llvm.cond_br %126, ^bb23, ^bb24
  ^bb23:  // pred: ^bb22
    %127 = llvm.add %25, %125 : i64
    %128 = llvm.getelementptr %arg1[%arg2] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %129 = llvm.mul %49, %arg5 overflow<nsw> : i64
    %130 = llvm.mul %127, %arg6 overflow<nsw> : i64
    %131 = llvm.add %129, %130 overflow<nsw> : i64
    %132 = llvm.getelementptr inbounds %128[%131] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %133 = llvm.load %132 : !llvm.ptr -> f32
    %134 = llvm.mul %29, %1 overflow<nsw, nuw> : i64
    %135 = llvm.mul %125, %6 overflow<nsw, nuw> : i64
    %136 = llvm.add %134, %135 overflow<nsw, nuw> : i64
    %137 = llvm.add %136, %11 overflow<nsw, nuw> : i64
    %138 = llvm.getelementptr inbounds|nuw %arg22[%137] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %133, %138 : f32, !llvm.ptr
    %139 = llvm.add %125, %4 : i64
    llvm.br ^bb22(%139 : i64)
  ^bb24:  // pred: ^bb22
    %140 = llvm.add %29, %4 : i64
    llvm.br ^bb5(%140 : i64)
  ^bb25:  // pred: ^bb5
    %141 = llvm.sdiv %arg11, %12 : i64
    %142 = llvm.mul %141, %12 : i64
    %143 = llvm.icmp "ne" %arg11, %142 : i64
    %144 = llvm.icmp "slt" %arg11, %3 : i64
    %145 = llvm.icmp "eq" %144, %0 : i1
    %146 = llvm.and %143, %145 : i1
    %147 = llvm.add %141, %4 : i64
    %148 = llvm.select %146, %147, %141 : i1, i64
    llvm.br ^bb26(%3 : i64)
  ^bb26(%149: i64):  // 2 preds: ^bb25, ^bb27
    %150 = llvm.icmp "slt" %149, %148 : i64
    llvm.cond_br %150, ^bb27, ^bb28
  ^bb27:  // pred: ^bb26
    %151 = llvm.mul %149, %12 : i64
    llvm.call @slipstick_contraction_0_panel(%arg21, %arg22, %3, %2, %7, %6, %1, %6, %4, %arg7, %arg8, %arg9, %arg10, %arg11, %arg12, %arg13, %arg14, %arg15, %arg16, %arg17, %arg18, %arg19, %arg20, %13, %24, %25, %28, %151) : (!llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, !llvm.ptr, !llvm.ptr, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) -> ()
    %152 = llvm.add %149, %4 : i64
    llvm.br ^bb26(%152 : i64)
  ^bb28:  // pred: ^bb26
    %153 = llvm.add %25, %7 : i64
    llvm.br ^bb3(%153 : i64)
  ^bb29:  // pred: ^bb3
    %154 = llvm.add %13, %5 : i64
    llvm.br ^bb1(%154 : i64)
  ^bb30:  // pred: ^bb1
    llvm.return
  }
  llvm.func internal @slipstick_kernel_0(%arg0: !llvm.ptr, %arg1: !llvm.ptr {llvm.noalias}, %arg2: i64, %arg3: i64, %arg4: i64, %arg5: i64, %arg6: i64) attributes {no_inline, slipstick.noalias = array<i64: 0>, slipstick.parallel_loops = 2 : i64, sym_visibility = "private"} {
    %0 = llvm.mlir.constant(0 : index) : i64
    %1 = llvm.mlir.constant(0.000000e+00 : f32) : f32
    %2 = llvm.mlir.constant(1 : index) : i64
    %3 = llvm.mlir.constant(16 : index) : i64
    llvm.br ^bb1(%0 : i64)
  ^bb1(%4: i64):  // 2 preds: ^bb0, ^bb5
    %5 = llvm.icmp "slt" %4, %arg3 : i64
    llvm.cond_br %5, ^bb2, ^bb6
  ^bb2:  // pred: ^bb1
    llvm.br ^bb3(%0 : i64)
  ^bb3(%6: i64):  // 2 preds: ^bb2, ^bb4
    %7 = llvm.icmp "slt" %6, %3 : i64
    llvm.cond_br %7, ^bb4, ^bb5
  ^bb4:  // pred: ^bb3
    %8 = llvm.mul %4, %3 overflow<nsw, nuw> : i64
    %9 = llvm.add %8, %6 overflow<nsw, nuw> : i64
    %10 = llvm.getelementptr inbounds|nuw %arg1[%9] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %1, %10 : f32, !llvm.ptr
    %11 = llvm.add %6, %2 : i64
    llvm.br ^bb3(%11 : i64)
  ^bb5:  // pred: ^bb3
    %12 = llvm.add %4, %2 : i64
    llvm.br ^bb1(%12 : i64)
  ^bb6:  // pred: ^bb1
    llvm.return
  }
  llvm.func internal @slipstick_kernel_1(%arg0: !llvm.ptr, %arg1: !llvm.ptr {llvm.noalias}, %arg2: i64, %arg3: i64, %arg4: i64, %arg5: i64, %arg6: i64, %arg7: !llvm.ptr, %arg8: !llvm.ptr {llvm.noalias}, %arg9: i64, %arg10: i64, %arg11: i64, %arg12: !llvm.ptr, %arg13: !llvm.ptr {llvm.noalias}, %arg14: i64, %arg15: i64, %arg16: i64, %arg17: i64, %arg18: i64) attributes {no_inline, slipstick.noalias = array<i64: 0, 1, 2>, slipstick.parallel_loops = 2 : i64, sym_visibility = "private"} {
    %0 = llvm.mlir.constant(0 : index) : i64
    %1 = llvm.mlir.constant(0.000000e+00 : f32) : f32
    %2 = llvm.mlir.constant(1 : index) : i64
    %3 = llvm.mlir.constant(16 : index) : i64
    llvm.br ^bb1(%0 : i64)
  ^bb1(%4: i64):  // 2 preds: ^bb0, ^bb5
    %5 = llvm.icmp "slt" %4, %arg3 : i64
    llvm.cond_br %5, ^bb2, ^bb6
  ^bb2:  // pred: ^bb1
    llvm.br ^bb3(%0 : i64)
  ^bb3(%6: i64):  // 2 preds: ^bb2, ^bb4
    %7 = llvm.icmp "slt" %6, %3 : i64
    llvm.cond_br %7, ^bb4, ^bb5
  ^bb4:  // pred: ^bb3
    %8 = llvm.mul %4, %3 overflow<nsw, nuw> : i64
    %9 = llvm.add %8, %6 overflow<nsw, nuw> : i64
    %10 = llvm.getelementptr inbounds|nuw %arg1[%9] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %11 = llvm.load %10 : !llvm.ptr -> f32
    %12 = llvm.getelementptr inbounds|nuw %arg8[%6] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %13 = llvm.load %12 : !llvm.ptr -> f32
    %14 = llvm.fadd %11, %13 : f32
    %15 = llvm.intr.maximum(%14, %1) : (f32, f32) -> f32
    %16 = llvm.getelementptr inbounds|nuw %arg13[%9] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    llvm.store %15, %16 : f32, !llvm.ptr
    %17 = llvm.add %6, %2 : i64
    llvm.br ^bb3(%17 : i64)
  ^bb5:  // pred: ^bb3
    %18 = llvm.add %4, %2 : i64
    llvm.br ^bb1(%18 : i64)
  ^bb6:  // pred: ^bb1
    llvm.return
  }
}

