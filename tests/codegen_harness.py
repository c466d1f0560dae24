"""A function in LLVM text, compiled and called: what the tests of the code generator share."""

from __future__ import annotations

import ctypes

import numpy as np
from slipstick.compiler.codegen import LoadedObject, compile_object, load_object
from slipstick.target import Target

HOST = Target.host()
X86 = HOST.architecture == "x86_64"

AXPY = """
define void @axpy(ptr noalias %x, ptr noalias %y, float %a, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %done
body:
  %xi = getelementptr float, ptr %x, i64 %i
  %yi = getelementptr float, ptr %y, i64 %i
  %xv = load float, ptr %xi
  %yv = load float, ptr %yi
  %r = call float @llvm.fma.f32(float %xv, float %a, float %yv)
  store float %r, ptr %yi
  %next = add i64 %i, 1
  br label %loop
done:
  ret void
}
declare float @llvm.fma.f32(float, float, float)
"""


def compile_and_load(llvm_ir: str, target: Target = HOST, opt_level: int = 3) -> LoadedObject:
    return load_object(compile_object(llvm_ir, target, opt_level=opt_level))


def call_axpy(loaded: LoadedObject) -> None:
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float, ctypes.c_int64)
    x, y = np.arange(1001, dtype=np.float32), np.ones(1001, np.float32)
    function(loaded.address("axpy"))(x.ctypes.data, y.ctypes.data, 0.5, 1001)
    np.testing.assert_array_equal(y, x * np.float32(0.5) + 1)
