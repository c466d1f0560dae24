"""Operations that torch-mlir lowers wrongly, refuses, or is brought down by: made of others that are right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true

from .index_put import index_put, unsafe_index_put

_HALVES = {torch.float16: torch.float32, torch.bfloat16: torch.float32}
_SUMS = (
    torch.ops.aten.sum.default,
    torch.ops.aten.sum.dim_IntList,
    torch.ops.aten.mean.default,
    torch.ops.aten.mean.dim,
    torch.ops.aten.prod.default,
    torch.ops.aten.prod.dim_int,
)


def mended_operations() -> dict[Any, Any]:
    """Return a decomposition for each such operation; one returns NotImplemented where torch-mlir is right."""
    aten = torch.ops.aten
    return {
        aten.maximum.default: _maximum,
        aten.minimum.default: _minimum,
        aten.fmod.Tensor: _fmod,
        aten.clamp.default: _clamp,
        aten.clamp.Tensor: _clamp,
        aten.hardtanh.default: _hardtanh,
        aten.sort.stable: _stable_sort,
        aten.__lshift__.Tensor: torch.bitwise_left_shift,
        aten.__rshift__.Tensor: torch.bitwise_right_shift,
        aten.reciprocal.default: _reciprocal,
        aten.isfinite.default: _is_finite,
        aten.fmod.Scalar: _fmod_by_number,
        aten.as_strided.default: _dense_view,
        aten.pow.Tensor_Scalar: _integer_power,
        aten.mm.default: _narrow_mm,
        aten.bmm.default: _narrow_bmm,
        aten.neg.default: _integer_negative,
        aten.logaddexp.default: _log_of_sum,
        aten.logcumsumexp.default: _log_of_sums,
        aten.bitwise_or.Scalar: _or_number,
        aten.bitwise_xor.Scalar: _xor_number,
        aten.roll.default: _rolled,
        **{operation: _wide(operation, _HALVES) for operation in _SUMS},
        aten.cumsum.default: _wide(aten.cumsum.default, _HALVES | {torch.float32: torch.float64}),
        aten.cumprod.default: _wide(aten.cumprod.default, _HALVES | {torch.float32: torch.float64}),
        aten.kthvalue.default: _in_order,
        aten.linalg_vector_norm.default: _wide_norm,
        aten.floor_divide.default: _floor_divide,
        aten.floor_divide.Scalar: _floor_divide,
        aten.div.Tensor_mode: _rounded_division,
        aten.div.Scalar_mode: _rounded_division,
        aten.index_put.default: index_put,
        aten._unsafe_index_put.default: unsafe_index_put,
    }


def _maximum(x: Tensor, y: Tensor) -> Any:
    """Return the greater of two floats, NaN where either is one: torch-mlir's lowering returns `y` for a NaN `x`."""
    return torch.where((x > y) | (x != x), x, y) if _is_float(x, y) else NotImplemented


def _minimum(x: Tensor, y: Tensor) -> Any:
    """Return the lesser of two floats, NaN where either is one."""
    return torch.where((x < y) | (x != x), x, y) if _is_float(x, y) else NotImplemented


def _fmod(x: Tensor, y: Tensor) -> Any:
    """Return the exact remainder of floats, which has the sign of x; torch-mlir's has the rounding errors of x / y."""
    if not _is_float(x, y):
        return NotImplemented
    rest = torch.remainder(x.abs(), y.abs())
    return torch.where(x < 0, -rest, rest)


def _clamp(x: Tensor, low: Any = None, high: Any = None) -> Any:
    """Return floats between bounds, each a number, a tensor or None; NaN stays NaN, where torch-mlir makes it `low`.

    Beside uint8 torch takes a negative number as uint8, too: -3 is 253.
    """
    if x.dtype == torch.uint8 and any(isinstance(bound, int) and bound < 0 for bound in (low, high)):
        return torch.clamp(x, *(bound % 256 if isinstance(bound, int) else bound for bound in (low, high)))
    if not x.dtype.is_floating_point:
        return NotImplemented
    for bound in (low, high):
        if bound is None:
            continue
        passes = x < bound if bound is low else x > bound
        if isinstance(bound, Tensor):
            passes = passes | (bound != bound)
        x = torch.where(passes, bound, x)
    return x


def _hardtanh(x: Tensor, low: float = -1.0, high: float = 1.0) -> Any:
    return _clamp(x, low, high)


def _stable_sort(x: Tensor, *, stable: bool | None = None, dim: int = -1, descending: bool = False) -> Any:
    """Return values and places; every sort is stable here, and torch-mlir lowers the one that does not say so."""
    return torch.ops.aten.sort.default(x, dim, descending)


def _is_float(x: Tensor, y: Tensor) -> bool:
    return torch.result_type(x, y).is_floating_point


def _reciprocal(x: Tensor) -> Any:
    """Return 1 / x, infinite for 0: torch-mlir's own lowering stops there."""
    return torch.ops.aten.div.Tensor(torch.ones((), dtype=x.dtype), x) if x.dtype.is_floating_point else NotImplemented


def _fmod_by_number(x: Tensor, y: float) -> Any:
    """Return the remainder of a division by a number, with the sign of x: torch-mlir lowers that by a tensor alone."""
    dtype = torch.result_type(x, y)
    wide = torch.int32 if dtype in (torch.int8, torch.uint8) else dtype
    return torch.ops.aten.fmod.Tensor(x.to(wide), torch.full((), y, dtype=wide)).to(dtype)


def _dense_view(x: Tensor, size: list[Any], stride: list[Any], storage_offset: Any = None) -> Any:
    """Return all elements of a dense tensor in their order as a view, which torch-mlir takes with sizes of any kind.

    The decomposition of group_norm reads its factors so.
    """
    dense: list[Any] = []
    elements: Any = 1
    for length in reversed(size):
        dense.insert(0, elements)
        elements = elements * length
    same = [(elements, x.numel()), *zip(stride, dense, strict=True)]
    if storage_offset is not None:
        same.append((storage_offset, x.storage_offset()))
    if not x.is_contiguous() or not all(statically_known_true(found == wanted) for found, wanted in same):
        return NotImplemented
    return x.view(size)


def _is_finite(x: Tensor) -> Tensor:
    """Tell where x is a finite number, which torch-mlir does not lower."""
    return x.abs() < math.inf if x.dtype.is_floating_point else torch.ones_like(x, dtype=torch.bool)


def _integer_power(x: Tensor, exponent: float) -> Any:
    """Return integers to a power of 1 to 16 as products, which wrap as torch's do; leave others to torch-mlir."""
    is_power = isinstance(exponent, int) and 1 <= exponent <= 16
    if x.dtype.is_floating_point or x.dtype.is_complex or x.dtype == torch.bool or not is_power:
        return NotImplemented
    result = x.clone()
    for _ in range(int(exponent) - 1):
        result = result * x
    return result


def _is_narrow(x: Tensor) -> bool:
    return x.dtype in (torch.int8, torch.uint8, torch.int16)


def _narrow_mm(a: Tensor, b: Tensor) -> Any:
    """Return a product of narrow integers by way of i32, which wraps to the same bits: torch-mlir ends the process."""
    return torch.mm(a.int(), b.int()).to(a.dtype) if _is_narrow(a) else NotImplemented


def _narrow_bmm(a: Tensor, b: Tensor) -> Any:
    """Return products of narrow integers as `_narrow_mm` does."""
    return torch.bmm(a.int(), b.int()).to(a.dtype) if _is_narrow(a) else NotImplemented


def _integer_negative(x: Tensor) -> Any:
    """Return -x of integers, where torch-mlir's own lowering goes by way of f32, which has 24 bits of them."""
    return NotImplemented if x.dtype.is_floating_point or x.dtype.is_complex else torch.mul(x, -1)


def _log_of_sum(x: Tensor, y: Tensor) -> Any:
    """Return log(exp(x) + exp(y)), NaN where either is one: torch-mlir's lowering returns -inf for NaN and -inf."""
    if not _is_float(x, y):
        return NotImplemented
    summed = torch.maximum(x, y) + torch.log1p(torch.exp(-(x - y).abs()))
    return torch.where((x == y) & x.isinf(), x, summed)


def _log_of_sums(x: Tensor, dim: int) -> Any:
    """Return the logarithm of the running sum of exp(x), each result that of twice as many numbers at each step.

    torch-mlir's own lowering takes the exponential of each number, which is infinite above 88 and zero below -103.
    """
    if x.dim() == 0 or not isinstance(x.shape[dim], int):
        return NotImplemented
    size, step = x.shape[dim], 1
    while step < size:
        kept = x.narrow(dim, 0, size - step)
        nothing = torch.full_like(x.narrow(dim, 0, step), -math.inf)
        x = _log_of_sum(x, torch.cat([nothing, kept], dim))
        step *= 2
    return x.clone() if size < 2 else x


def _or_number(x: Tensor, y: int) -> Tensor:
    """Return the bits that are in x or in a number; torch-mlir lowers that for tensors alone, as the next one."""
    return torch.bitwise_or(x, torch.full((), y, dtype=_wider_than_bytes(x))).to(x.dtype)


def _xor_number(x: Tensor, y: int) -> Tensor:
    """Return the bits that are in x or in a number, but not in both."""
    return torch.bitwise_xor(x, torch.full((), y, dtype=_wider_than_bytes(x))).to(x.dtype)


def _wider_than_bytes(x: Tensor) -> torch.dtype:
    """Return the type for a constant beside x: torch-mlir refuses constants of uint8."""
    return torch.int32 if x.dtype in (torch.int8, torch.uint8) else x.dtype


def _rolled(x: Tensor, shifts: list[Any], dims: Sequence[int] = ()) -> Any:
    """Return elements moved on in the order of memory, where no dimensions are named; torch-mlir refuses that."""
    if dims or x.dim() == 0:
        return NotImplemented
    return torch.roll(x.reshape(-1), shifts, [0]).reshape(x.shape)


def _floor_divide(x: Tensor, y: Any) -> Any:
    """Return quotients of 64-bit integers, rounded down; torch-mlir goes by way of f64, which has 53 bits of them."""
    if torch.result_type(x, y) != torch.int64:
        return NotImplemented
    quotient = torch.div(x, y, rounding_mode="trunc")
    rest = x - quotient * y
    return quotient - ((rest != 0) & ((rest < 0) != (y < 0))).to(torch.int64)


def _rounded_division(x: Tensor, y: Any, *, rounding_mode: str | None = None) -> Any:
    """Return `_floor_divide` where quotients are rounded down; leave other divisions to torch-mlir."""
    return _floor_divide(x, y) if rounding_mode == "floor" else NotImplemented


def _in_order(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the k-th least value and its place; torch-mlir's lowering never finds NaN, which is the greatest."""
    if x.dim() == 0:
        return NotImplemented
    values, places = torch.sort(x, dim)
    chosen = values.narrow(dim, k - 1, 1), places.narrow(dim, k - 1, 1)
    return chosen if keepdim else tuple(part.squeeze(dim) for part in chosen)


def _wide_norm(
    x: Tensor, order: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: torch.dtype | None = None
) -> Any:
    """Return a norm of 16-bit floats, added up in f32 as torch does; torch-mlir's lowering rounds each partial sum."""
    if x.dtype not in (torch.float16, torch.bfloat16) or dtype is not None:
        return NotImplemented
    return torch.linalg.vector_norm(x.float(), order, dim, keepdim).to(x.dtype)


def _wide(operation: Any, wider: Mapping[torch.dtype, torch.dtype]) -> Any:
    """Return what adds or multiplies floats in a wider type and rounds each result once.

    So does torch, but for products in f16. torch-mlir's lowerings round each partial sum: ones in bf16 add up to 256,
    however many they are, and a running product cannot leave the range of its type and come back.
    """

    def computed(x: Tensor, *args: Any, dtype: torch.dtype | None = None) -> Any:
        made = x.dtype if dtype is None else dtype
        return operation(x.to(made).to(wider[made]), *args).to(made) if made in wider else NotImplemented

    return computed
