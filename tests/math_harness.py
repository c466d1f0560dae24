"""Compiles an operation of the math dialect into a loop over arrays; measures errors in units in the last place."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from slipstick.bindings import ir, new_context
from slipstick.compiler import codegen
from slipstick.compiler.llvm_text import to_llvm22
from slipstick.compiler.stages import llvm_ir
from slipstick.passes.manager import run_pipeline
from slipstick.target import Target

LOWER = (
    "canonicalize,cse,convert-scf-to-cf,expand-strided-metadata,convert-vector-to-llvm,arith-expand{include-bf16=true},"
    "convert-math-to-llvm,convert-math-to-libm,finalize-memref-to-llvm,convert-func-to-llvm,convert-arith-to-llvm,"
    "convert-cf-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts"
)


def loop_text(expression: str, element: str = "f32", lanes: int = 0) -> str:
    """Return a function `f` from one array to another; `expression` computes from %a of the type that `$t` stands for.

    `lanes` = 0 gives scalar operations, more a loop over vectors.
    """
    type_ = f"vector<{lanes}x{element}>" if lanes else element
    memory = f"memref<?x{element}>"
    dialect, tail = ("vector", f", {type_}") if lanes else ("memref", "")
    return f"""
    func.func @f(%x: {memory}, %y: {memory}) attributes {{llvm.emit_c_interface}} {{
      %zero = arith.constant 0 : index
      %step = arith.constant {lanes or 1} : index
      %n = memref.dim %x, %zero : {memory}
      scf.for %i = %zero to %n step %step {{
        %a = {dialect}.load %x[%i] : {memory}{tail}
        {expression.replace("$t", type_)}
        {dialect}.store %b, %y[%i] : {memory}{tail}
      }}
      return
    }}"""


def llvm_text(mlir: str, pipeline: str = "approximate-math") -> str:
    """Return the LLVM IR of a module of such loops after the pipeline and lowering."""
    with new_context(), ir.Location.unknown():
        module = ir.Module.parse(mlir)
        run_pipeline(module, f"{pipeline},{LOWER}" if pipeline else LOWER)
        return to_llvm22(llvm_ir(module))


@functools.cache
def loop(
    expression: str, element: str = "f32", lanes: int = 0, opt_level: int = 3
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the compiled loop, from a one-dimensional tensor to a new one."""
    return compiled(llvm_text(loop_text(expression, element, lanes)), lanes, opt_level)


def compiled(text: str, lanes: int = 0, opt_level: int = 3) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what `loop` does, of LLVM IR."""
    loaded = codegen.load_object(codegen.compile_object(text, Target.host(), opt_level=opt_level))
    entry = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(loaded.address("_mlir_ciface_f"))

    def call(x: torch.Tensor) -> torch.Tensor:
        assert loaded is not None and x.is_contiguous() and (not lanes or x.numel() % lanes == 0)
        y = torch.empty_like(x)
        descriptors = [_Descriptor.of(t) for t in (x, y)]
        entry(*(ctypes.addressof(d) for d in descriptors))
        return y

    return call


def run(text: str, x: torch.Tensor) -> torch.Tensor:
    """Return what the loop in LLVM IR makes of a one-dimensional tensor."""
    return compiled(text)(x)


def unary(name: str) -> str:
    """Return the expression of an operation of one operand, such as `exp`."""
    return f"%b = math.{name} %a : $t"


class _Descriptor(ctypes.Structure):
    """MLIR's descriptor of a one-dimensional memref."""

    _fields_ = (
        ("allocated", ctypes.c_void_p),
        ("aligned", ctypes.c_void_p),
        ("offset", ctypes.c_int64),
        ("size", ctypes.c_int64),
        ("stride", ctypes.c_int64),
    )

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _Descriptor:
        return cls(tensor.data_ptr(), tensor.data_ptr(), 0, tensor.numel(), 1)


@dataclass(frozen=True)
class Format:
    """A float format: mantissa bits and the exponent of the smallest normal number."""

    mantissa: int
    lowest_exponent: int


FORMATS = {
    torch.float16: Format(10, -14),
    torch.bfloat16: Format(7, -126),
    torch.float32: Format(23, -126),
}


def errors_in_ulps(y: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
    """Return |y - exact| in units in the last place of the format of `y` at the exact value, which is f64.

    Infinite where one of them is NaN and the other not, where rounding the exact value gives infinity and `y` is not
    that, or the reverse, and where zeros (also such as the exact value rounds to) have another sign.
    """
    f = FORMATS[y.dtype]
    wide, rounded = y.double(), exact.to(y.dtype).double()
    exponent = ((exact.view(torch.int64) >> 52) & 0x7FF).clamp(f.lowest_exponent + 1023, 1023 + 127)
    unit = ((exponent - f.mantissa) << 52).view(torch.float64)
    error = (wide - exact).abs_().div_(unit)

    product = (wide * rounded).abs_()
    special = ((product == 0) | ~(product < torch.inf)).nonzero().squeeze(1)  # a zero, infinity or NaN among them
    if len(special):
        y, e, r = wide[special], exact[special], rounded[special]
        same = (y == r) | (y.isnan() & r.isnan())
        right_sign = (y.signbit() == e.signbit()) | e.isnan() | ((y != 0) & (r != 0))
        both_finite = y.isfinite() & r.isfinite()
        error[special] = torch.where(
            (same | both_finite) & right_sign, torch.where(both_finite, error[special], 0.0), torch.inf
        )
    return error
