"""Elementary functions as branch-free arithmetic, so that vectors and vectorised loops need no call into libm.

`approximate` emits, at the current insertion point and location, a sequence of `arith` and `math.fma` operations for
scalars and vectors (fixed and scalable) of f32; f16 and bf16 are widened to f32 and the result is rounded to them.
f64 has no approximations: it is left to libm, but for rsqrt. Special values are those of C's functions: NaN and
infinities, signed zeros, subnormal arguments and results, overflow.

The sequences rely on IEEE arithmetic with subnormals, round to nearest and a fused multiply-add instruction.
"""

from __future__ import annotations

from collections.abc import Callable

from ..bindings import arith, ir
from ..errors import ArgumentError
from .approximations_erf import erf, erfc
from .approximations_exp import exp, exp2, exp2_avx512, exp_avx512, expm1, tanh
from .approximations_lanes import Lanes, with_element
from .approximations_log import log, log1p, log2
from .approximations_pow import CONSTANT_POWERS, power, power_avx512
from .approximations_segments import erf_avx512, tanh_avx512
from .approximations_trig import cos, sin


def rsqrt(x: Lanes) -> Lanes:
    """1 / sqrt(x): both are vector instructions, each correctly rounded."""
    return 1.0 / x.sqrt()


APPROXIMATIONS: dict[str, Callable[[Lanes], Lanes]] = {
    "math.cos": cos,
    "math.erf": erf,
    "math.erfc": erfc,
    "math.exp": exp,
    "math.exp2": exp2,
    "math.expm1": expm1,
    "math.log": log,
    "math.log1p": log1p,
    "math.log2": log2,
    "math.rsqrt": rsqrt,
    "math.sin": sin,
    "math.tanh": tanh,
}
"""What stands for each operation of one f32 operand."""

AVX512_FORMS: dict[str, Callable[[Lanes], Lanes]] = {
    "math.erf": erf_avx512,
    "math.exp": exp_avx512,
    "math.exp2": exp2_avx512,
    "math.tanh": tanh_avx512,
}
"""Shorter forms for vectors of 16 lanes: the same results for exp and exp2, as exact ones for erf and tanh."""


def can_approximate(op_name: str, type_: ir.Type) -> bool:
    """Say whether there is an approximation of the operation, of one operand, for this type."""
    if _is_double(type_):
        return op_name == "math.rsqrt"
    return op_name in APPROXIMATIONS and _is_supported(type_)


def approximate(op_name: str, x: ir.Value, *, avx512: bool = False) -> ir.Value:
    """Emit what stands for the operation `op_name` (`math.exp`, ...) of `x`; the result has x's type.

    With `avx512`, instructions of AVX-512F may be used in vectors of 16, 32, 64, ... lanes, whose results may differ
    from those of scalars and of other vectors in the last place. Raises ArgumentError where `can_approximate` is false.
    """
    if not can_approximate(op_name, x.type):
        raise ArgumentError(f"{op_name}: no approximation for operands of type {x.type}")
    forms = APPROXIMATIONS | AVX512_FORMS if avx512 and _is_whole_registers(x.type) else APPROXIMATIONS
    return _widened(forms[op_name], x)


def can_raise(type_: ir.Type, exponent: float) -> bool:
    """Say whether x to this constant power needs no call, for x of the type."""
    return exponent in CONSTANT_POWERS and (_is_double(type_) or _is_supported(type_))


def raise_to(x: ir.Value, exponent: float) -> ir.Value:
    """Emit x to a constant power; the result has x's type.

    Raises ArgumentError where `can_raise` is false.
    """
    if not can_raise(x.type, exponent):
        raise ArgumentError(f"power {exponent}: no short form for operands of type {x.type}")
    return _widened(CONSTANT_POWERS[exponent], x)


def can_power(type_: ir.Type) -> bool:
    """Say whether there is an approximation of x^y, both of this type."""
    return _is_supported(type_)


def approximate_power(x: ir.Value, y: ir.Value, *, avx512: bool = False) -> ir.Value:
    """Emit x^y, both of one type; the result has that type, and is the same with `avx512` and without.

    Raises ArgumentError where `can_power` is false.
    """
    if not can_power(x.type):
        raise ArgumentError(f"math.powf: no approximation for operands of type {x.type}")
    form = power_avx512 if avx512 and _is_whole_registers(x.type) else power
    wide = with_element(x.type, ir.F32Type.get())
    if x.type == wide:
        return form(Lanes(x), Lanes(y)).value
    return arith.truncf(x.type, form(Lanes(arith.extf(wide, x)), Lanes(arith.extf(wide, y))).value)


def _widened(function: Callable[[Lanes], Lanes], x: ir.Value) -> ir.Value:
    """Emit the function of x in f32, or in f64 if that is x's type."""
    wide = with_element(x.type, ir.F32Type.get())
    if x.type == wide or _is_double(x.type):
        return function(Lanes(x)).value
    return arith.truncf(x.type, function(Lanes(arith.extf(wide, x))).value)


def _is_whole_registers(type_: ir.Type) -> bool:
    """Return whether the type is a vector of 16, 32, 64, ... lanes."""
    if not isinstance(type_, ir.VectorType) or type_.rank != 1 or any(type_.scalable_dims):
        return False
    lanes = type_.shape[0]
    return bool(lanes >= 16 and lanes & (lanes - 1) == 0)


def _is_double(type_: ir.Type) -> bool:
    return isinstance(_element(type_), ir.F64Type)


def _is_supported(type_: ir.Type) -> bool:
    return isinstance(_element(type_), (ir.F32Type, ir.F16Type, ir.BF16Type))


def _element(type_: ir.Type) -> ir.Type:
    return type_.element_type if isinstance(type_, ir.VectorType) else type_
