module attributes {slipstick.entry = @main, slipstick.signature = (tensor<?x32xf32>, tensor<16x32xf32>, tensor<16xf32>) -> tensor<?x16xf32>, slipstick.stage = "loops", slipstick.workspace_bytes = 258048 : i64} {
  func.func @main(%arg0: memref<?x32xf32>, %arg1: memref<16x32xf32>, %arg2: memref<16xf32>) -> memref<?x16xf32> attributes {llvm.emit_c_interface} {
    %c0 = arith.constant 0 : index
    %alloc = memref.alloc() {alignment = 64 : i64, slipstick.arena} : memref<258048xi8>
    %dim = memref.dim %arg0, %c0 : memref<?x32xf32>
    %alloc_0 = memref.alloc(%dim) {alignment = 64 : i64} : memref<?x16xf32>
    call @slipstick_kernel_0(%alloc_0) : (memref<?x16xf32>) -> ()
    %transpose = memref.transpose %arg1 (d0, d1) -> (d1, d0) : memref<16x32xf32> to memref<32x16xf32, strided<[1, 32]>>
    %cast = memref.cast %arg0 : memref<?x32xf32> to memref<?x?xf32, strided<[?, ?], offset: ?>>
    %cast_1 = memref.cast %transpose : memref<32x16xf32, strided<[1, 32]>> to memref<?x?xf32, strided<[?, ?], offset: ?>>
    %cast_2 = memref.cast %alloc_0 : memref<?x16xf32> to memref<?x?xf32, strided<[?, 1], offset: ?>>
    call @slipstick_contraction_0(%cast, %cast_1, %cast_2, %alloc) : (memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>, memref<258048xi8>) -> ()
    %alloc_3 = memref.alloc(%dim) {alignment = 64 : i64} : memref<?x16xf32>
    call @slipstick_kernel_1(%alloc_0, %arg2, %alloc_3) : (memref<?x16xf32>, memref<16xf32>, memref<?x16xf32>) -> ()
    memref.dealloc %alloc_0 : memref<?x16xf32>
    memref.dealloc %alloc : memref<258048xi8>
    return %alloc_3 : memref<?x16xf32>
  }
  func.func private @slipstick_contraction_0_panel(%arg0: memref<42x256x6xf32>, %arg1: memref<?x?xf32, strided<[?, ?], offset: ?>>, %arg2: memref<?x?xf32, strided<[?, 1], offset: ?>>, %arg3: index, %arg4: index, %arg5: index, %arg6: index, %arg7: index) {
    %cst = arith.constant dense<0.000000e+00> : vector<8xf32>
    %c15 = arith.constant 15 : index
    %c14 = arith.constant 14 : index
    %c13 = arith.constant 13 : index
    %c12 = arith.constant 12 : index
    %c11 = arith.constant 11 : index
    %c10 = arith.constant 10 : index
    %c9 = arith.constant 9 : index
    %c7 = arith.constant 7 : index
    %c6 = arith.constant 6 : index
    %c5 = arith.constant 5 : index
    %c4 = arith.constant 4 : index
    %c3 = arith.constant 3 : index
    %c2 = arith.constant 2 : index
    %c8 = arith.constant 8 : index
    %c0 = arith.constant 0 : index
    %c16 = arith.constant 16 : index
    %c1 = arith.constant 1 : index
    %alloca = memref.alloca() {alignment = 64 : i64} : memref<256x16xf32>
    %alloca_0 = memref.alloca() {alignment = 64 : i64} : memref<6x16xf32>
    %dim = memref.dim %arg1, %c1 : memref<?x?xf32, strided<[?, ?], offset: ?>>
    %0 = arith.subi %dim, %arg7 : index
    %1 = arith.minsi %0, %c16 : index
    %base_buffer, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %arg1 : memref<?x?xf32, strided<[?, ?], offset: ?>> -> memref<f32>, index, index, index, index, index
    %2 = arith.cmpi eq, %1, %c16 : index
    %3 = arith.cmpi eq, %strides#1, %c1 : index
    %4 = arith.andi %2, %3 : i1
    scf.if %4 {
      %reinterpret_cast = memref.reinterpret_cast %arg1 to offset: [%offset], sizes: [%sizes#0, %sizes#1], strides: [%strides#0, 1] : memref<?x?xf32, strided<[?, ?], offset: ?>> to memref<?x?xf32, strided<[?, 1], offset: ?>>
      scf.for %arg8 = %c0 to %arg6 step %c1 {
        %5 = arith.addi %arg5, %arg8 : index
        %6 = vector.load %reinterpret_cast[%5, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %6, %alloca[%arg8, %c0] : memref<256x16xf32>, vector<8xf32>
        %7 = arith.addi %arg7, %c8 : index
        %8 = vector.load %reinterpret_cast[%5, %7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %8, %alloca[%arg8, %c8] : memref<256x16xf32>, vector<8xf32>
      }
    } else {
      %5 = arith.cmpi eq, %strides#0, %c1 : index
      %6 = arith.andi %2, %5 : i1
      scf.if %6 {
        %reinterpret_cast = memref.reinterpret_cast %arg1 to offset: [%offset], sizes: [%sizes#1, %sizes#0], strides: [%strides#1, 1] : memref<?x?xf32, strided<[?, ?], offset: ?>> to memref<?x?xf32, strided<[?, 1], offset: ?>>
        %7 = arith.divsi %arg6, %c8 : index
        %8 = arith.muli %7, %c8 : index
        scf.for %arg8 = %c0 to %8 step %c8 {
          %9 = arith.addi %arg5, %arg8 : index
          %10 = vector.load %reinterpret_cast[%arg7, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %11 = arith.addi %arg7, %c1 : index
          %12 = vector.load %reinterpret_cast[%11, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %13 = arith.addi %arg7, %c2 : index
          %14 = vector.load %reinterpret_cast[%13, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %15 = arith.addi %arg7, %c3 : index
          %16 = vector.load %reinterpret_cast[%15, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %17 = arith.addi %arg7, %c4 : index
          %18 = vector.load %reinterpret_cast[%17, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %19 = arith.addi %arg7, %c5 : index
          %20 = vector.load %reinterpret_cast[%19, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %21 = arith.addi %arg7, %c6 : index
          %22 = vector.load %reinterpret_cast[%21, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %23 = arith.addi %arg7, %c7 : index
          %24 = vector.load %reinterpret_cast[%23, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %25 = vector.shuffle %10, %18 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %26 = vector.shuffle %10, %18 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %27 = vector.shuffle %12, %20 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %28 = vector.shuffle %12, %20 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %29 = vector.shuffle %14, %22 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %30 = vector.shuffle %14, %22 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %31 = vector.shuffle %16, %24 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %32 = vector.shuffle %16, %24 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %33 = vector.shuffle %25, %29 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %34 = vector.shuffle %25, %29 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %35 = vector.shuffle %26, %30 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %36 = vector.shuffle %26, %30 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %37 = vector.shuffle %27, %31 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %38 = vector.shuffle %27, %31 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %39 = vector.shuffle %28, %32 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %40 = vector.shuffle %28, %32 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %41 = vector.shuffle %33, %37 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %42 = vector.shuffle %33, %37 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %43 = vector.shuffle %34, %38 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %44 = vector.shuffle %34, %38 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %45 = vector.shuffle %35, %39 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %46 = vector.shuffle %35, %39 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %47 = vector.shuffle %36, %40 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %48 = vector.shuffle %36, %40 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          vector.store %41, %alloca[%arg8, %c0] : memref<256x16xf32>, vector<8xf32>
          %49 = arith.addi %arg8, %c1 : index
          vector.store %42, %alloca[%49, %c0] : memref<256x16xf32>, vector<8xf32>
          %50 = arith.addi %arg8, %c2 : index
          vector.store %43, %alloca[%50, %c0] : memref<256x16xf32>, vector<8xf32>
          %51 = arith.addi %arg8, %c3 : index
          vector.store %44, %alloca[%51, %c0] : memref<256x16xf32>, vector<8xf32>
          %52 = arith.addi %arg8, %c4 : index
          vector.store %45, %alloca[%52, %c0] : memref<256x16xf32>, vector<8xf32>
          %53 = arith.addi %arg8, %c5 : index
          vector.store %46, %alloca[%53, %c0] : memref<256x16xf32>, vector<8xf32>
          %54 = arith.addi %arg8, %c6 : index
          vector.store %47, %alloca[%54, %c0] : memref<256x16xf32>, vector<8xf32>
          %55 = arith.addi %arg8, %c7 : index
          vector.store %48, %alloca[%55, %c0] : memref<256x16xf32>, vector<8xf32>
          %56 = arith.addi %arg7, %c8 : index
          %57 = vector.load %reinterpret_cast[%56, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %58 = arith.addi %arg7, %c9 : index
          %59 = vector.load %reinterpret_cast[%58, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %60 = arith.addi %arg7, %c10 : index
          %61 = vector.load %reinterpret_cast[%60, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %62 = arith.addi %arg7, %c11 : index
          %63 = vector.load %reinterpret_cast[%62, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %64 = arith.addi %arg7, %c12 : index
          %65 = vector.load %reinterpret_cast[%64, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %66 = arith.addi %arg7, %c13 : index
          %67 = vector.load %reinterpret_cast[%66, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %68 = arith.addi %arg7, %c14 : index
          %69 = vector.load %reinterpret_cast[%68, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %70 = arith.addi %arg7, %c15 : index
          %71 = vector.load %reinterpret_cast[%70, %9] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
          %72 = vector.shuffle %57, %65 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %73 = vector.shuffle %57, %65 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %74 = vector.shuffle %59, %67 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %75 = vector.shuffle %59, %67 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %76 = vector.shuffle %61, %69 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %77 = vector.shuffle %61, %69 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %78 = vector.shuffle %63, %71 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %79 = vector.shuffle %63, %71 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %80 = vector.shuffle %72, %76 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %81 = vector.shuffle %72, %76 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %82 = vector.shuffle %73, %77 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %83 = vector.shuffle %73, %77 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %84 = vector.shuffle %74, %78 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %85 = vector.shuffle %74, %78 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %86 = vector.shuffle %75, %79 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %87 = vector.shuffle %75, %79 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %88 = vector.shuffle %80, %84 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %89 = vector.shuffle %80, %84 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %90 = vector.shuffle %81, %85 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %91 = vector.shuffle %81, %85 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %92 = vector.shuffle %82, %86 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %93 = vector.shuffle %82, %86 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          %94 = vector.shuffle %83, %87 [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xf32>, vector<8xf32>
          %95 = vector.shuffle %83, %87 [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xf32>, vector<8xf32>
          vector.store %88, %alloca[%arg8, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %89, %alloca[%49, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %90, %alloca[%50, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %91, %alloca[%51, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %92, %alloca[%52, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %93, %alloca[%53, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %94, %alloca[%54, %c8] : memref<256x16xf32>, vector<8xf32>
          vector.store %95, %alloca[%55, %c8] : memref<256x16xf32>, vector<8xf32>
        }
        scf.for %arg8 = %c0 to %c16 step %c1 {
          %9 = arith.cmpi slt, %arg8, %1 : index
          %10 = arith.select %9, %arg8, %c0 : index
          %11 = arith.addi %arg7, %10 : index
          scf.for %arg9 = %8 to %arg6 step %c1 {
            %12 = arith.addi %arg5, %arg9 : index
            %13 = memref.load %arg1[%12, %11] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %13, %alloca[%arg9, %arg8] : memref<256x16xf32>
          }
        }
      } else {
        scf.for %arg8 = %c0 to %c16 step %c1 {
          %7 = arith.cmpi slt, %arg8, %1 : index
          %8 = arith.select %7, %arg8, %c0 : index
          %9 = arith.addi %arg7, %8 : index
          scf.for %arg9 = %c0 to %arg6 step %c1 {
            %10 = arith.addi %arg5, %arg9 : index
            %11 = memref.load %arg1[%10, %9] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %11, %alloca[%arg9, %arg8] : memref<256x16xf32>
          }
        }
      }
    }
    scf.for %arg8 = %c0 to %arg4 step %c1 {
      %5 = arith.muli %arg8, %c6 : index
      %6 = arith.addi %arg3, %5 : index
      %dim_1 = memref.dim %arg2, %c0 : memref<?x?xf32, strided<[?, 1], offset: ?>>
      %7 = arith.subi %dim_1, %6 : index
      %8 = arith.minsi %7, %c6 : index
      %9 = arith.cmpi eq, %8, %c6 : index
      %10 = arith.andi %9, %2 : i1
      %11:12 = scf.if %10 -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
        %13 = vector.load %arg2[%6, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %14 = arith.addi %arg7, %c8 : index
        %15 = vector.load %arg2[%6, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %16 = arith.addi %6, %c1 : index
        %17 = vector.load %arg2[%16, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %18 = vector.load %arg2[%16, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %19 = arith.addi %6, %c2 : index
        %20 = vector.load %arg2[%19, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %21 = vector.load %arg2[%19, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %22 = arith.addi %6, %c3 : index
        %23 = vector.load %arg2[%22, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %24 = vector.load %arg2[%22, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %25 = arith.addi %6, %c4 : index
        %26 = vector.load %arg2[%25, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %27 = vector.load %arg2[%25, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %28 = arith.addi %6, %c5 : index
        %29 = vector.load %arg2[%28, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %30 = vector.load %arg2[%28, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        scf.yield %13, %15, %17, %18, %20, %21, %23, %24, %26, %27, %29, %30 : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
      } else {
        scf.yield %cst, %cst, %cst, %cst, %cst, %cst, %cst, %cst, %cst, %cst, %cst, %cst : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
      }
      %12:12 = scf.for %arg9 = %c0 to %arg6 step %c1 iter_args(%arg10 = %11#0, %arg11 = %11#1, %arg12 = %11#2, %arg13 = %11#3, %arg14 = %11#4, %arg15 = %11#5, %arg16 = %11#6, %arg17 = %11#7, %arg18 = %11#8, %arg19 = %11#9, %arg20 = %11#10, %arg21 = %11#11) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
        %13 = vector.load %alloca[%arg9, %c0] : memref<256x16xf32>, vector<8xf32>
        %14 = vector.load %alloca[%arg9, %c8] : memref<256x16xf32>, vector<8xf32>
        %15 = memref.load %arg0[%arg8, %arg9, %c0] : memref<42x256x6xf32>
        %16 = vector.broadcast %15 : f32 to vector<8xf32>
        %17 = vector.fma %16, %13, %arg10 : vector<8xf32>
        %18 = vector.fma %16, %14, %arg11 : vector<8xf32>
        %19 = memref.load %arg0[%arg8, %arg9, %c1] : memref<42x256x6xf32>
        %20 = vector.broadcast %19 : f32 to vector<8xf32>
        %21 = vector.fma %20, %13, %arg12 : vector<8xf32>
        %22 = vector.fma %20, %14, %arg13 : vector<8xf32>
        %23 = memref.load %arg0[%arg8, %arg9, %c2] : memref<42x256x6xf32>
        %24 = vector.broadcast %23 : f32 to vector<8xf32>
        %25 = vector.fma %24, %13, %arg14 : vector<8xf32>
        %26 = vector.fma %24, %14, %arg15 : vector<8xf32>
        %27 = memref.load %arg0[%arg8, %arg9, %c3] : memref<42x256x6xf32>
        %28 = vector.broadcast %27 : f32 to vector<8xf32>
        %29 = vector.fma %28, %13, %arg16 : vector<8xf32>
        %30 = vector.fma %28, %14, %arg17 : vector<8xf32>
        %31 = memref.load %arg0[%arg8, %arg9, %c4] : memref<42x256x6xf32>
        %32 = vector.broadcast %31 : f32 to vector<8xf32>
        %33 = vector.fma %32, %13, %arg18 : vector<8xf32>
        %34 = vector.fma %32, %14, %arg19 : vector<8xf32>
        %35 = memref.load %arg0[%arg8, %arg9, %c5] : memref<42x256x6xf32>
        %36 = vector.broadcast %35 : f32 to vector<8xf32>
        %37 = vector.fma %36, %13, %arg20 : vector<8xf32>
        %38 = vector.fma %36, %14, %arg21 : vector<8xf32>
        scf.yield %17, %18, %21, %22, %25, %26, %29, %30, %33, %34, %37, %38 : vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>
      }
      scf.if %10 {
        vector.store %12#0, %arg2[%6, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %13 = arith.addi %arg7, %c8 : index
        vector.store %12#1, %arg2[%6, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %14 = arith.addi %6, %c1 : index
        vector.store %12#2, %arg2[%14, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %12#3, %arg2[%14, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %15 = arith.addi %6, %c2 : index
        vector.store %12#4, %arg2[%15, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %12#5, %arg2[%15, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %16 = arith.addi %6, %c3 : index
        vector.store %12#6, %arg2[%16, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %12#7, %arg2[%16, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %17 = arith.addi %6, %c4 : index
        vector.store %12#8, %arg2[%17, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %12#9, %arg2[%17, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        %18 = arith.addi %6, %c5 : index
        vector.store %12#10, %arg2[%18, %arg7] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
        vector.store %12#11, %arg2[%18, %13] : memref<?x?xf32, strided<[?, 1], offset: ?>>, vector<8xf32>
      } else {
        vector.store %12#0, %alloca_0[%c0, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#1, %alloca_0[%c0, %c8] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#2, %alloca_0[%c1, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#3, %alloca_0[%c1, %c8] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#4, %alloca_0[%c2, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#5, %alloca_0[%c2, %c8] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#6, %alloca_0[%c3, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#7, %alloca_0[%c3, %c8] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#8, %alloca_0[%c4, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#9, %alloca_0[%c4, %c8] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#10, %alloca_0[%c5, %c0] : memref<6x16xf32>, vector<8xf32>
        vector.store %12#11, %alloca_0[%c5, %c8] : memref<6x16xf32>, vector<8xf32>
        scf.for %arg9 = %c0 to %8 step %c1 {
          scf.for %arg10 = %c0 to %1 step %c1 {
            %13 = arith.addi %6, %arg9 : index
            %14 = arith.addi %arg7, %arg10 : index
            %15 = memref.load %arg2[%13, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>
            %16 = memref.load %alloca_0[%arg9, %arg10] : memref<6x16xf32>
            %17 = arith.addf %15, %16 : f32
            memref.store %17, %arg2[%13, %14] : memref<?x?xf32, strided<[?, 1], offset: ?>>
          }
        }
      }
    }
    return
  }
  func.func private @slipstick_contraction_0(%arg0: memref<?x?xf32, strided<[?, ?], offset: ?>>, %arg1: memref<?x?xf32, strided<[?, ?], offset: ?>>, %arg2: memref<?x?xf32, strided<[?, 1], offset: ?>>, %arg3: memref<258048xi8>) attributes {slipstick.noalias = array<i64: 3>} {
    %c16 = arith.constant 16 : index
    %c5 = arith.constant 5 : index
    %c4 = arith.constant 4 : index
    %c3 = arith.constant 3 : index
    %c2 = arith.constant 2 : index
    %c256 = arith.constant 256 : index
    %c6 = arith.constant 6 : index
    %c252 = arith.constant 252 : index
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %dim = memref.dim %arg0, %c0 : memref<?x?xf32, strided<[?, ?], offset: ?>>
    %dim_0 = memref.dim %arg0, %c1 : memref<?x?xf32, strided<[?, ?], offset: ?>>
    %dim_1 = memref.dim %arg1, %c1 : memref<?x?xf32, strided<[?, ?], offset: ?>>
    %view = memref.view %arg3[%c0][] : memref<258048xi8> to memref<42x256x6xf32>
    scf.for %arg4 = %c0 to %dim step %c252 {
      %0 = arith.subi %dim, %arg4 : index
      %1 = arith.minsi %0, %c252 : index
      %2 = arith.ceildivsi %1, %c6 : index
      scf.for %arg5 = %c0 to %dim_0 step %c256 {
        %3 = arith.subi %dim_0, %arg5 : index
        %4 = arith.minsi %3, %c256 : index
        scf.for %arg6 = %c0 to %2 step %c1 {
          %6 = arith.muli %arg6, %c6 : index
          %7 = arith.addi %arg4, %6 : index
          %8 = arith.addi %7, %c1 : index
          %9 = arith.addi %7, %c2 : index
          %10 = arith.addi %7, %c3 : index
          %11 = arith.addi %7, %c4 : index
          %12 = arith.addi %7, %c5 : index
          %13 = arith.cmpi slt, %7, %dim : index
          %14 = arith.select %13, %7, %c0 : index
          %15 = arith.cmpi slt, %8, %dim : index
          %16 = arith.select %15, %8, %c0 : index
          %17 = arith.cmpi slt, %9, %dim : index
          %18 = arith.select %17, %9, %c0 : index
          %19 = arith.cmpi slt, %10, %dim : index
          %20 = arith.select %19, %10, %c0 : index
          %21 = arith.cmpi slt, %11, %dim : index
          %22 = arith.select %21, %11, %c0 : index
          %23 = arith.cmpi slt, %12, %dim : index
          %24 = arith.select %23, %12, %c0 : index
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%14, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c0] : memref<42x256x6xf32>
          }
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%16, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c1] : memref<42x256x6xf32>
          }
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%18, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c2] : memref<42x256x6xf32>
          }
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%20, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c3] : memref<42x256x6xf32>
          }
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%22, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c4] : memref<42x256x6xf32>
          }
          scf.for %arg7 = %c0 to %4 step %c1 {
            %25 = arith.addi %arg5, %arg7 : index
            %26 = memref.load %arg0[%24, %25] : memref<?x?xf32, strided<[?, ?], offset: ?>>
            memref.store %26, %view[%arg6, %arg7, %c5] : memref<42x256x6xf32>
          }
        }
        %5 = arith.ceildivsi %dim_1, %c16 : index
        scf.for %arg6 = %c0 to %5 step %c1 {
          %6 = arith.muli %arg6, %c16 : index
          func.call @slipstick_contraction_0_panel(%view, %arg1, %arg2, %arg4, %2, %arg5, %4, %6) : (memref<42x256x6xf32>, memref<?x?xf32, strided<[?, ?], offset: ?>>, memref<?x?xf32, strided<[?, 1], offset: ?>>, index, index, index, index, index) -> ()
        }
      }
    }
    return
  }
  func.func private @slipstick_kernel_0(%arg0: memref<?x16xf32>) attributes {slipstick.noalias = array<i64: 0>, slipstick.parallel_loops = 2 : i64} {
    %c16 = arith.constant 16 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %c0 = arith.constant 0 : index
    %dim = memref.dim %arg0, %c0 : memref<?x16xf32>
    scf.for %arg1 = %c0 to %dim step %c1 {
      scf.for %arg2 = %c0 to %c16 step %c1 {
        memref.store %cst, %arg0[%arg1, %arg2] : memref<?x16xf32>
      }
    }
    return
  }
  func.func private @slipstick_kernel_1(%arg0: memref<?x16xf32>, %arg1: memref<16xf32>, %arg2: memref<?x16xf32>) attributes {slipstick.noalias = array<i64: 0, 1, 2>, slipstick.parallel_loops = 2 : i64} {
    %c16 = arith.constant 16 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %c0 = arith.constant 0 : index
    %dim = memref.dim %arg0, %c0 : memref<?x16xf32>
    scf.for %arg3 = %c0 to %dim step %c1 {
      scf.for %arg4 = %c0 to %c16 step %c1 {
        %0 = memref.load %arg0[%arg3, %arg4] : memref<?x16xf32>
        %1 = memref.load %arg1[%arg4] : memref<16xf32>
        %2 = arith.addf %0, %1 : f32
        %3 = arith.maximumf %2, %cst : f32
        memref.store %3, %arg2[%arg3, %arg4] : memref<?x16xf32>
      }
    }
    return
  }
}

