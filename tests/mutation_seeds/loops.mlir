func.func @kernel(%a: memref<8x16xf32>, %b: memref<?xf32, strided<[1], offset: ?>>, %n: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%acc = %zero) -> (f32) {
    %x = memref.load %a[%i, %c0] : memref<8x16xf32>
    %v = vector.load %a[%i, %c0] : memref<8x16xf32>, vector<8xf32>
    %w = vector.broadcast %x : f32 to vector<8xf32>
    %f = vector.fma %v, %w, %w : vector<8xf32>
    vector.store %f, %a[%i, %c0] : memref<8x16xf32>, vector<8xf32>
    %r = vector.reduction <add>, %f : vector<8xf32> into f32
    %p = arith.cmpf olt, %r, %zero : f32
    %s = scf.if %p -> (f32) {
      scf.yield %zero : f32
    } else {
      %q = math.fma %r, %acc, %x : f32
      scf.yield %q : f32
    }
    scf.yield %s : f32
  }
  scf.parallel (%j) = (%c0) to (%n) step (%c1) {
    memref.store %sum, %b[%j] : memref<?xf32, strided<[1], offset: ?>>
    scf.reduce
  }
  affine.for %k = 0 to 16 {
    %y = affine.load %a[0, %k] : memref<8x16xf32>
    affine.store %y, %a[symbol(%n) mod 8, %k] : memref<8x16xf32>
  }
  return %sum : f32
}
