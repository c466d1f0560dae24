"""Functions that compiled code calls and no library of the system has: LLVM IR, compiled when first needed.

Conversions of half and bfloat, called where the CPU has no instruction for them, use integer operations, so that they
call nothing themselves, and round to nearest, ties to even; a NaN stays one, made quiet. From double they first round
to odd in float, after which the second rounding gives what a single one would (Boldo and Melquiond, "Emulation of a FMA
and correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers, 2008).

`memrefCopy` is what MLIR's `memref.copy` calls for layouts that are not contiguous: element size in bytes, then source
and destination as pointers to unranked memrefs (rank, pointer to the descriptor).
"""

from __future__ import annotations

NAMES = (
    "__truncsfbf2",
    "__truncdfbf2",
    "__extendbfsf2",
    "__truncsfhf2",
    "__truncdfhf2",
    "__extendhfsf2",
    "__gnu_f2h_ieee",
    "__gnu_h2f_ieee",
    "memrefCopy",
)
LLVM_IR = """
define internal i16 @float_to_bfloat(float %value) alwaysinline {
  %x = bitcast float %value to i32
  %magnitude = and i32 %x, u0x7FFFFFFF
  %high = lshr i32 %x, 16
  %odd = and i32 %high, 1
  %bias = add i32 %odd, u0x7FFF
  %sum = add i32 %x, %bias
  %rounded = lshr i32 %sum, 16
  %quiet = or i32 %high, u0x40
  %is_nan = icmp ugt i32 %magnitude, u0x7F800000
  %bits = select i1 %is_nan, i32 %quiet, i32 %rounded
  %result = trunc i32 %bits to i16
  ret i16 %result
}

define internal i16 @float_to_half(float %value) alwaysinline {
  %x = bitcast float %value to i32
  %magnitude = and i32 %x, u0x7FFFFFFF
  %high = lshr i32 %x, 16
  %sign = and i32 %high, u0x8000
  %payload = lshr i32 %magnitude, 13
  %payload10 = and i32 %payload, u0x3FF
  %nan = or i32 %payload10, u0x7E00
  ; below 2**-14: adding 0.5 leaves units of 2**-24 in the low bits, rounded
  %absolute = bitcast i32 %magnitude to float
  %shifted = fadd float %absolute, 0.5
  %shifted_bits = bitcast float %shifted to i32
  %subnormal = sub i32 %shifted_bits, u0x3F000000
  %odd = and i32 %payload, 1
  %rebias = add i32 %magnitude, u0xC8000FFF
  %sum = add i32 %rebias, %odd
  %normal = lshr i32 %sum, 13
  %is_subnormal = icmp ult i32 %magnitude, u0x38800000
  %is_infinite = icmp uge i32 %magnitude, u0x477FF000
  %is_nan = icmp ugt i32 %magnitude, u0x7F800000
  %r0 = select i1 %is_subnormal, i32 %subnormal, i32 %normal
  %r1 = select i1 %is_infinite, i32 u0x7C00, i32 %r0
  %r2 = select i1 %is_nan, i32 %nan, i32 %r1
  %bits = or i32 %r2, %sign
  %result = trunc i32 %bits to i16
  ret i16 %result
}

define internal float @half_to_float(i16 %half) alwaysinline {
  %x = zext i16 %half to i32
  %magnitude = and i32 %x, u0x7FFF
  %sign = shl i32 %x, 16
  %sign31 = and i32 %sign, u0x80000000
  %shifted = shl i32 %magnitude, 13
  %normal = add i32 %shifted, u0x38000000
  %units = uitofp i32 %magnitude to float
  %scaled = fmul float %units, 0x3E70000000000000
  %subnormal = bitcast float %scaled to i32
  %infinite = or i32 %shifted, u0x7F800000
  %quiet = or i32 %infinite, u0x400000
  %is_subnormal = icmp ult i32 %magnitude, u0x400
  %is_infinite = icmp uge i32 %magnitude, u0x7C00
  %is_nan = icmp ugt i32 %magnitude, u0x7C00
  %r0 = select i1 %is_subnormal, i32 %subnormal, i32 %normal
  %r1 = select i1 %is_infinite, i32 %infinite, i32 %r0
  %r2 = select i1 %is_nan, i32 %quiet, i32 %r1
  %bits = or i32 %r2, %sign31
  %result = bitcast i32 %bits to float
  ret float %result
}

define internal float @double_to_odd_float(double %x) alwaysinline {
  %near = fptrunc double %x to float
  %bits = bitcast float %near to i32
  %back = fpext float %near to double
  %back_size = call double @llvm.fabs.f64(double %back)
  %size = call double @llvm.fabs.f64(double %x)
  %above = fcmp ogt double %back_size, %size
  %inexact = fcmp one double %back, %x
  %low = and i32 %bits, 1
  %even = icmp eq i32 %low, 0
  %change = and i1 %inexact, %even
  %step = select i1 %above, i32 -1, i32 1
  %odd = add i32 %bits, %step
  %chosen = select i1 %change, i32 %odd, i32 %bits
  %result = bitcast i32 %chosen to float
  ret float %result
}

declare double @llvm.fabs.f64(double)

define bfloat @__truncsfbf2(float %x) {
  %bits = call i16 @float_to_bfloat(float %x)
  %result = bitcast i16 %bits to bfloat
  ret bfloat %result
}

define bfloat @__truncdfbf2(double %x) {
  %odd = call float @double_to_odd_float(double %x)
  %bits = call i16 @float_to_bfloat(float %odd)
  %result = bitcast i16 %bits to bfloat
  ret bfloat %result
}

define float @__extendbfsf2(bfloat %x) {
  %bits = bitcast bfloat %x to i16
  %wide = zext i16 %bits to i32
  %high = shl i32 %wide, 16
  %result = bitcast i32 %high to float
  ret float %result
}

define half @__truncsfhf2(float %x) {
  %bits = call i16 @float_to_half(float %x)
  %result = bitcast i16 %bits to half
  ret half %result
}

define half @__truncdfhf2(double %x) {
  %odd = call float @double_to_odd_float(double %x)
  %bits = call i16 @float_to_half(float %odd)
  %result = bitcast i16 %bits to half
  ret half %result
}

define float @__extendhfsf2(half %x) {
  %bits = bitcast half %x to i16
  %result = call float @half_to_float(i16 %bits)
  ret float %result
}

define i16 @__gnu_f2h_ieee(float %x) {
  %bits = call i16 @float_to_half(float %x)
  ret i16 %bits
}

define float @__gnu_h2f_ieee(i16 %x) {
  %result = call float @half_to_float(i16 %x)
  ret float %result
}

; a descriptor: allocated pointer, aligned pointer, offset, sizes, strides; in elements
define internal ptr @first_element(i64 %element, ptr %descriptor) alwaysinline {
  %aligned_at = getelementptr i64, ptr %descriptor, i64 1
  %aligned = load ptr, ptr %aligned_at
  %offset_at = getelementptr i64, ptr %descriptor, i64 2
  %offset = load i64, ptr %offset_at
  %bytes = mul i64 %offset, %element
  %first = getelementptr i8, ptr %aligned, i64 %bytes
  ret ptr %first
}

define internal void @copy(i64 %element, i64 %rank, ptr %from, ptr %to,
                           ptr %sizes, ptr %from_strides, ptr %to_strides) {
entry:
  %is_scalar = icmp eq i64 %rank, 0
  br i1 %is_scalar, label %scalar, label %array
scalar:
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %element, i1 false)
  ret void
array:
  %size = load i64, ptr %sizes
  %from_stride = load i64, ptr %from_strides
  %to_stride = load i64, ptr %to_strides
  %from_step = mul i64 %from_stride, %element
  %to_step = mul i64 %to_stride, %element
  %is_last = icmp eq i64 %rank, 1
  %from_is_dense = icmp eq i64 %from_stride, 1
  %to_is_dense = icmp eq i64 %to_stride, 1
  %are_dense = and i1 %from_is_dense, %to_is_dense
  %is_block = and i1 %is_last, %are_dense
  br i1 %is_block, label %block, label %start
block:
  %bytes = mul i64 %size, %element
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %bytes, i1 false)
  ret void
start:
  %inner_rank = sub i64 %rank, 1
  %inner_sizes = getelementptr i64, ptr %sizes, i64 1
  %inner_from_strides = getelementptr i64, ptr %from_strides, i64 1
  %inner_to_strides = getelementptr i64, ptr %to_strides, i64 1
  br label %loop
loop:
  %i = phi i64 [ 0, %start ], [ %next, %body ]
  %inner_from = phi ptr [ %from, %start ], [ %next_from, %body ]
  %inner_to = phi ptr [ %to, %start ], [ %next_to, %body ]
  %more = icmp slt i64 %i, %size
  br i1 %more, label %body, label %done
body:
  call void @copy(i64 %element, i64 %inner_rank, ptr %inner_from, ptr %inner_to,
                  ptr %inner_sizes, ptr %inner_from_strides, ptr %inner_to_strides)
  %next = add i64 %i, 1
  %next_from = getelementptr i8, ptr %inner_from, i64 %from_step
  %next_to = getelementptr i8, ptr %inner_to, i64 %to_step
  br label %loop
done:
  ret void
}

declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define void @memrefCopy(i64 %element, ptr %source, ptr %destination) {
  %rank = load i64, ptr %source
  %source_at = getelementptr i64, ptr %source, i64 1
  %from_descriptor = load ptr, ptr %source_at
  %destination_at = getelementptr i64, ptr %destination, i64 1
  %to_descriptor = load ptr, ptr %destination_at
  %from = call ptr @first_element(i64 %element, ptr %from_descriptor)
  %to = call ptr @first_element(i64 %element, ptr %to_descriptor)
  %sizes = getelementptr i64, ptr %from_descriptor, i64 3
  %strides_at = add i64 %rank, 3
  %from_strides = getelementptr i64, ptr %from_descriptor, i64 %strides_at
  %to_strides = getelementptr i64, ptr %to_descriptor, i64 %strides_at
  call void @copy(i64 %element, i64 %rank, ptr %from, ptr %to, ptr %sizes, ptr %from_strides, ptr %to_strides)
  ret void
}
"""
