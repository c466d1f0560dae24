// Threads that share panels of parameters: 11 panels do not divide by two, those of two blocks of rows do. What is packed
// in each call keeps its blocks, and so do panels that divide already.
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32 l2-bytes=2097152' | filecheck %s --check-prefixes=ONE,CHECK
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32 l2-bytes=2097152 threads=2' | filecheck %s --check-prefixes=TWO,CHECK
// RUN: slipstick-opt %s --schedule-contractions='vector-bits=512 vector-registers=32 l2-bytes=2097152 threads=12' | filecheck %s --check-prefixes=TWELVE

#a = affine_map<(m, n, k) -> (m, k)>
#bt = affine_map<(m, n, k) -> (n, k)>
#c = affine_map<(m, n, k) -> (m, n)>

// ONE:         m_block = 512
// TWO:         m_block = 256
// TWELVE:      m_block = 512
// CHECK:       m_block = 512
// TWELVE:      m_block = 512
// CHECK:       m_block = 128
// TWELVE:      m_block = 64 {{.*}}prefetch = 2
func.func @main(%x: tensor<512x512xf32>, %y: tensor<128x768xf32>, %u: tensor<512x512xf32> {slipstick.parameter},
                %v: tensor<512x512xf32>, %w: tensor<768x768xf32> {slipstick.parameter})
    -> (tensor<512x512xf32>, tensor<512x512xf32>, tensor<128x768xf32>) {
  %d = tensor.empty() : tensor<512x512xf32>
  %e = tensor.empty() : tensor<128x768xf32>
  %0 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %u : tensor<512x512xf32>, tensor<512x512xf32>) outs(%d : tensor<512x512xf32>) -> tensor<512x512xf32>
  %1 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%x, %v : tensor<512x512xf32>, tensor<512x512xf32>) outs(%d : tensor<512x512xf32>) -> tensor<512x512xf32>
  %2 = linalg.matmul indexing_maps = [#a, #bt, #c] ins(%y, %w : tensor<128x768xf32>, tensor<768x768xf32>) outs(%e : tensor<128x768xf32>) -> tensor<128x768xf32>
  return %0, %1, %2 : tensor<512x512xf32>, tensor<512x512xf32>, tensor<128x768xf32>
}
