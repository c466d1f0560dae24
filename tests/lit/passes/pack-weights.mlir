// Parameters that packed contractions read become panels; what else reads them keeps the matrix.
// RUN: slipstick-opt %s --pack-weights --split-input-file | filecheck %s

// %w becomes its panels, 100 columns in three of 48. %t is returned too: its panels are a new argument.
// CHECK:       #[[PANELS:.*]] = affine_map<(d0, d1) -> (d0 floordiv 48, d1, d0 mod 48)>
// CHECK:       module attributes {slipstick.packed_weights = [{argument = 1 : i64, axis = 0 : i64, source = 1 : i64, width = 48 : i64}, {argument = 3 : i64, axis = 1 : i64, source = 2 : i64, width = 32 : i64}]}
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:arg0]]: tensor<40x64xf32>, %[[W:arg1]]: tensor<3x64x48xf32> {slipstick.parameter}, %[[T:arg2]]: tensor<64x100xf32> {slipstick.parameter}, %[[P:arg3]]: tensor<4x64x32xf32>)
// CHECK:         %[[WM:.*]] = linalg.generic {indexing_maps = [#[[PANELS]], #{{.*}}], iterator_types = ["parallel", "parallel"]} ins(%[[W]] : tensor<3x64x48xf32>)
// CHECK-SAME:      slipstick.weights = "panels"
// CHECK:         %[[TM:.*]] = linalg.generic {{.*}} ins(%[[P]] : tensor<4x64x32xf32>)
// CHECK:         linalg.matmul {{.*}} ins(%[[X]], %[[WM]] :
// CHECK:         linalg.matmul {{.*}} ins(%[[X]], %[[TM]] :
// CHECK:         return {{.*}}%[[T]] :
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
func.func @main(%x: tensor<40x64xf32>, %w: tensor<100x64xf32> {slipstick.parameter}, %t: tensor<64x100xf32> {slipstick.parameter})
    -> (tensor<40x100xf32>, tensor<40x100xf32>, tensor<64x100xf32>) {
  %c = tensor.empty() : tensor<40x100xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #nk, #mn]
      {slipstick.decision = {kind = "packed", register_tile = [4, 48], k_block = 32, m_block = 16, vector = 16}}
      ins(%x, %w : tensor<40x64xf32>, tensor<100x64xf32>) outs(%c : tensor<40x100xf32>) -> tensor<40x100xf32>
  %1 = linalg.matmul indexing_maps = [#mk, #kn, #mn]
      {slipstick.decision = {kind = "packed", register_tile = [4, 32], k_block = 32, m_block = 16, vector = 16}}
      ins(%x, %t : tensor<40x64xf32>, tensor<64x100xf32>) outs(%c : tensor<40x100xf32>) -> tensor<40x100xf32>
  return %0, %1, %t : tensor<40x100xf32>, tensor<40x100xf32>, tensor<64x100xf32>
}

// -----

// For L-Mul under "finite" the elements are prepared: the attribute says how.
// CHECK:       {argument = 1 : i64, axis = 1 : i64, mantissa_bits = 3 : i64, rounding = "rne", source = 1 : i64, width = 8 : i64}
#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
func.func @main(%x: tensor<4x6xf32>, %w: tensor<6x8xf32> {slipstick.parameter}) -> tensor<4x8xf32> {
  %c = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.matmul indexing_maps = [#mk, #kn, #mn]
      {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4},
       slipstick.lmul = {mantissa_bits = 3, rounding = "rne", specials = "finite", offset = "paper", scope = "all"}}
      ins(%x, %w : tensor<4x6xf32>, tensor<6x8xf32>) outs(%c : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Left alone: an input that is no parameter, a parameter of an undecided product, one that is the left operand.
// CHECK:       func.func @main(%arg0: tensor<8x8xf32>, %arg1: tensor<8x8xf32> {slipstick.parameter}, %arg2: tensor<8x8xf32> {slipstick.parameter})
func.func @main(%x: tensor<8x8xf32>, %w: tensor<8x8xf32> {slipstick.parameter}, %v: tensor<8x8xf32> {slipstick.parameter})
    -> tensor<8x8xf32> {
  %c = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%c : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.matmul
      {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
      ins(%v, %x : tensor<8x8xf32>, tensor<8x8xf32>) outs(%0 : tensor<8x8xf32>) -> tensor<8x8xf32>
  return %1 : tensor<8x8xf32>
}

// -----

// Private functions are passed panels, where all calls pass parameters and all readers want one form: %a. Not so for %b,
// which another call passes an input for, and so not for %w, which is read as a matrix there.
// CHECK:       module attributes {slipstick.packed_weights = [{argument = 1 : i64, axis = 1 : i64, source = 1 : i64, width = 8 : i64}, {argument = 2 : i64, axis = 1 : i64, source = 2 : i64, width = 8 : i64}]}
// CHECK:       func.func @main(%arg0: tensor<4x6xf32>, %arg1: tensor<1x6x8xf32> {slipstick.parameter}, %arg2: tensor<1x6x8xf32> {slipstick.parameter}, %arg3: tensor<6x8xf32> {slipstick.parameter}, %arg4: tensor<6x8xf32>)
// CHECK:         call @layer(%arg0, %arg1, %arg3)
// CHECK:         call @layer(%arg0, %arg2, %arg4)
// CHECK:       func.func private @layer(%arg0: tensor<4x6xf32>, %arg1: tensor<1x6x8xf32>, %arg2: tensor<6x8xf32>)
// CHECK:         %[[M:.*]] = linalg.generic {{.*}} ins(%arg1 :
// CHECK-SAME:      slipstick.weights = "panels"
// CHECK:         linalg.matmul {{.*}} ins(%arg0, %[[M]] :
// CHECK:         linalg.matmul {{.*}} ins(%arg0, %arg2 :
func.func @main(%x: tensor<4x6xf32>, %u: tensor<6x8xf32> {slipstick.parameter}, %v: tensor<6x8xf32> {slipstick.parameter},
                %w: tensor<6x8xf32> {slipstick.parameter}, %i: tensor<6x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = call @layer(%x, %u, %w) : (tensor<4x6xf32>, tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<4x8xf32>
  %1 = call @layer(%x, %v, %i) : (tensor<4x6xf32>, tensor<6x8xf32>, tensor<6x8xf32>) -> tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}
func.func private @layer(%x: tensor<4x6xf32>, %a: tensor<6x8xf32>, %b: tensor<6x8xf32>) -> tensor<4x8xf32> {
  %c = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.matmul
      {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
      ins(%x, %a : tensor<4x6xf32>, tensor<6x8xf32>) outs(%c : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.matmul
      {slipstick.decision = {kind = "packed", register_tile = [2, 8], k_block = 4, m_block = 4, vector = 4}}
      ins(%x, %b : tensor<4x6xf32>, tensor<6x8xf32>) outs(%0 : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
