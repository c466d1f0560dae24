"""What the scalar operations of MLIR compute, on torch tensors of any one shape: the floor of the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from slipstick.bindings import ir
from torch import Tensor

DTYPES = {
    "f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32, "f64": torch.float64, "i1": torch.bool,
    "i8": torch.int8, "i16": torch.int16, "i32": torch.int32, "i64": torch.int64, "index": torch.int64,
}  # fmt: skip
"""Integers carry no sign in MLIR: those of torch without one are viewed as those with one."""


class UnsupportedError(Exception):
    """The interpreter does not know an operation or a type."""


def dtype_of(type_: ir.Type) -> torch.dtype:
    """Return the dtype of an element type."""
    found = DTYPES.get(str(type_))
    if found is None:
        raise UnsupportedError(str(type_))
    return found


def _unsigned(x: Tensor) -> Tensor:
    """Return an integer tensor as int64 numbers without sign; 64-bit ones must not be negative."""
    if x.dtype == torch.bool:
        return x.long()
    if x.dtype == torch.int64:
        if bool((x < 0).any()):
            raise UnsupportedError("unsigned 64-bit integers")
        return x
    return x.long() & ((1 << 8 * x.element_size()) - 1)


def _truncate(x: Tensor, dtype: torch.dtype) -> Tensor:
    return (x & 1).bool() if dtype == torch.bool else x.to(dtype)


def _to_integer(x: Tensor, dtype: torch.dtype) -> Tensor:
    return (x != 0) if dtype == torch.bool else x.to(dtype)


def _signed(x: Tensor) -> Tensor:
    return -x.long() if x.dtype == torch.bool else x


def _boolean(function: Callable[[Tensor, Tensor], Tensor], instead: Callable[[Tensor, Tensor], Tensor]) -> Any:
    def call(x: Tensor, y: Tensor) -> Tensor:
        return instead(x, y) if x.dtype == torch.bool else function(x, y)

    return call


BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "arith.addf": torch.add,
    "arith.subf": torch.sub,
    "arith.divf": torch.div,
    "arith.remf": torch.fmod,
    "arith.maximumf": torch.maximum,
    "arith.minimumf": torch.minimum,
    "arith.maxnumf": torch.fmax,
    "arith.minnumf": torch.fmin,
    "arith.addi": _boolean(torch.add, torch.logical_xor),
    "arith.subi": _boolean(torch.sub, torch.logical_xor),
    "arith.muli": _boolean(torch.mul, torch.logical_and),
    "arith.divsi": lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    "arith.floordivsi": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "arith.remsi": torch.fmod,
    "arith.divui": lambda x, y: (_unsigned(x) // _unsigned(y)).to(x.dtype),
    "arith.remui": lambda x, y: (_unsigned(x) % _unsigned(y)).to(x.dtype),
    "arith.andi": torch.bitwise_and,
    "arith.ori": torch.bitwise_or,
    "arith.xori": torch.bitwise_xor,
    "arith.shli": lambda x, y: x << y,
    "arith.shrsi": lambda x, y: x >> y,
    "arith.shrui": lambda x, y: (_unsigned(x) >> _unsigned(y)).to(x.dtype),
    "arith.maxsi": lambda x, y: torch.where(_signed(x) > _signed(y), x, y),
    "arith.minsi": lambda x, y: torch.where(_signed(x) < _signed(y), x, y),
    "arith.maxui": lambda x, y: torch.where(_unsigned(x) > _unsigned(y), x, y),
    "arith.minui": lambda x, y: torch.where(_unsigned(x) < _unsigned(y), x, y),
    "math.powf": torch.pow,
    "math.fpowi": torch.pow,
    "math.atan2": torch.atan2,
    "math.copysign": torch.copysign,
}
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "arith.negf": torch.neg,
    "math.absf": torch.abs,
    "math.absi": torch.abs,
    "math.ceil": torch.ceil,
    "math.floor": torch.floor,
    "math.round": lambda x: torch.sign(x) * torch.floor(x.abs() + 0.5),
    "math.roundeven": torch.round,
    "math.isnan": torch.isnan,
    "math.isinf": torch.isinf,
    "math.isfinite": torch.isfinite,
} | {
    f"math.{name}": getattr(torch, name)
    for name in (
        "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "erf", "exp", "exp2", "expm1", "log", "log10",
        "log1p", "log2", "rsqrt", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    )
}  # fmt: skip
CASTS: dict[str, Callable[[Tensor, torch.dtype], Tensor]] = {
    "arith.extf": lambda x, dtype: x.to(dtype),
    "arith.truncf": lambda x, dtype: x.to(dtype),
    "arith.sitofp": lambda x, dtype: _signed(x).to(dtype),
    "arith.uitofp": lambda x, dtype: _unsigned(x).to(dtype),
    "arith.fptosi": _to_integer,
    "arith.fptoui": lambda x, dtype: _truncate(x.long(), dtype),
    "arith.extsi": lambda x, dtype: _signed(x).to(dtype),
    "arith.extui": lambda x, dtype: _unsigned(x).to(dtype),
    "arith.trunci": _truncate,
    "arith.index_cast": lambda x, dtype: _signed(x).to(dtype),
    "arith.index_castui": lambda x, dtype: _unsigned(x).to(dtype),
}
_INTEGER_TESTS = ("eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge")
_FLOAT_TESTS = (
    "false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true",
)  # fmt: skip


def compare_integers(predicate: int, x: Tensor, y: Tensor) -> Tensor:
    """Return what `arith.cmpi` of that predicate does."""
    name = _INTEGER_TESTS[predicate]
    if name in ("eq", "ne"):
        return getattr(torch, name)(x, y)  # type: ignore[no-any-return]
    how = _unsigned if name[0] == "u" else _signed
    return getattr(torch, name[1:])(how(x), how(y))  # type: ignore[no-any-return]


def compare_floats(predicate: int, x: Tensor, y: Tensor) -> Tensor:
    """Return what `arith.cmpf` of that predicate does."""
    name = _FLOAT_TESTS[predicate]
    unordered = x.isnan() | y.isnan()
    if name in ("false", "true"):
        return torch.full_like(unordered, name == "true")
    if name in ("ord", "uno"):
        return unordered if name == "uno" else ~unordered
    found = getattr(torch, name[1:])(x, y)
    return found | unordered if name[0] == "u" else found & ~unordered  # type: ignore[no-any-return]
