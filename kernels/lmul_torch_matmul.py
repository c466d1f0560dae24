"""Matrix products of torch tensors with L-Mul: `slipstick.lmul_matmul`.

    r[m, n] = sum over k of lmul(a[m, k], b[k, n]),   in the order of k, starting at 0

A block of the result is worked on at a time, with one step for each k: beside the operands' bits as they are added, k
first, only a few tensors of a block's size exist. Under `finite` a step is one integer addition and one addition of
floats. Under `ieee` too, where no operand is infinite or NaN and none is so large or small that a product could leave
the normal numbers; the products of zeros are masked out. What is left takes the slow way, with all tests in each step.
Which way is taken does not show in the result, nor does the size of the blocks.

Gradients are those of `lmul_torch.py`, summed: `straight-through` takes torch's own matrix products, `piecewise` a
blocked sum like the forward pass. They are summed in float32 (float64 for float64), whatever `accumulate` says.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor

from ..errors import ArgumentError
from .float8 import round_to_float8
from .lmul import LMul, Rounding, Specials
from .lmul_offset import Offset
from .lmul_torch import Gradient, broadcast, configured, operands
from .lmul_torch_bits import BitArithmetic, Variant

Accumulate = Literal["f32", "f16", "bf16", "float8_e4m3fn", "float8_e5m2"]

BLOCK: Final = 1 << 18
"""Elements of the result that are worked on at a time: a few MB with all that belongs to them."""

_SUM_DTYPE: Final = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
_FLOAT8: Final = {"float8_e4m3fn": torch.float8_e4m3fn, "float8_e5m2": torch.float8_e5m2}


def lmul_matmul(
    a: Tensor,
    b: Tensor,
    mantissa_bits: int = 4,
    rounding: Rounding = "truncate",
    specials: Specials = "ieee",
    offset: Offset = "paper",
    *,
    variant: Variant = "carry",
    gradient: Gradient = "straight-through",
    accumulate: Accumulate | None = None,
    block: int = BLOCK,
) -> Tensor:
    """Return the matrix product of [..., M, K] and [..., K, N] by L-Mul, with the shapes of `torch.matmul`.

    Leading dimensions broadcast; a tensor of one dimension is a row on the left, a column on the right. Dtypes and the
    arguments that `lmul` has too are as there; the result has the operands' dtype, bfloat16 for fp8.

    `accumulate`: the type that every partial sum is rounded to, from the sum in the wider of that type and the
    operands' (float32 for fp8). None is float32, float64 for float64. fp8 saturates: sums beyond the greatest finite
    number, infinities too, become that number. `block`: how many elements of the result are worked on at a time.

    Raises ArgumentError.
    """
    a, b = operands("lmul_matmul", a=a, b=b)
    lmul = LMul(mantissa_bits, rounding, specials, offset=offset)
    arithmetic = configured("lmul_matmul", a.dtype, lmul, variant, gradient)
    if accumulate is not None and accumulate not in get_args(Accumulate):
        expected = ", ".join(get_args(Accumulate))
        raise ArgumentError(f"lmul_matmul: accumulate: expected None or one of {expected}, found {accumulate!r}")
    if not isinstance(block, int) or isinstance(block, bool) or block < 1:
        raise ArgumentError(f"lmul_matmul: block: expected a positive integer, found {block!r}")
    _check_shapes(a, b)
    left, right = a[None] if a.dim() == 1 else a, b[:, None] if b.dim() == 1 else b
    rows = left.shape[:-1]
    if right.dim() == 2:
        left = left.reshape(math.prod(rows), left.shape[-1])
    rank = max(left.dim(), right.dim())
    left, right = left[(None,) * (rank - left.dim())], right[(None,) * (rank - right.dim())]
    result: Tensor = _Contraction.apply(  # type: ignore[no-untyped-call]
        left, right, arithmetic, gradient, accumulate, block
    )
    if right.dim() == 2:
        result = result.reshape(*rows, right.shape[-1])
    if b.dim() == 1:
        result = result.squeeze(-1)
    return result.squeeze(-1 if b.dim() == 1 else -2) if a.dim() == 1 else result


def _check_shapes(a: Tensor, b: Tensor) -> None:
    for name, value in (("a", a), ("b", b)):
        if value.dim() == 0:
            raise ArgumentError(f"lmul_matmul: {name}: expected at least one dimension, found a scalar")
    depth = b.shape[0] if b.dim() == 1 else b.shape[-2]
    if depth != a.shape[-1]:
        raise ArgumentError(
            f"lmul_matmul: b: expected {a.shape[-1]} rows as a {tuple(a.shape)} has columns, found {tuple(b.shape)}"
        )
    if broadcast(a.shape[:-2], b.shape[:-2]) is None:
        raise ArgumentError(
            f"lmul_matmul: b: expected leading dimensions that broadcast with those of a {tuple(a.shape)}, "
            f"found {tuple(b.shape)}"
        )


class _Contraction(torch.autograd.Function):
    """The product of two tensors of one rank, at least 2, with its gradients."""

    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        b: Tensor,
        arithmetic: BitArithmetic,
        gradient: Gradient,
        accumulate: Accumulate | None,
        block: int,
    ) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.arithmetic, ctx.gradient, ctx.block = arithmetic, gradient, block
        return _contract(arithmetic, a, b, accumulate, block)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:
        a, b = ctx.saved_tensors
        ga: Tensor | None
        gb: Tensor | None
        if ctx.gradient == "piecewise":
            ga, gb = _piecewise_gradients(ctx.arithmetic, a, b, g, ctx.block)
        else:
            ga = g @ b.mT if ctx.needs_input_grad[0] else None
            gb = a.mT @ g if ctx.needs_input_grad[1] else None
        return _reduced(ga, a), _reduced(gb, b), None, None, None, None


def _reduced(gradient: Tensor | None, operand: Tensor) -> Tensor | None:
    """Return a gradient summed over the dimensions in which its operand was broadcast."""
    return None if gradient is None else gradient.sum_to_size(operand.shape)


def _contract(arithmetic: BitArithmetic, a: Tensor, b: Tensor, accumulate: Accumulate | None, block: int) -> Tensor:
    shape = (*(broadcast(a.shape[:-2], b.shape[:-2]) or ()), a.shape[-2], b.shape[-1])
    result = a.new_zeros(shape)
    if a.numel() == 0 or b.numel() == 0:
        return result
    terms = _terms(arithmetic, a, b)
    for part in _blocks(shape, block):
        selected = terms.select(shape, part)
        total = _Sum(result[part].shape, arithmetic.dtype, accumulate, a.device)
        for product in selected.products():
            total.add(product)
        result[part] = total.value
    return result


def _blocks(shape: tuple[int, ...], limit: int) -> Iterator[tuple[slice, ...]]:
    """Yield parts of at most `limit` elements that make up a tensor without empty dimensions, whole rows first."""
    ranges = []
    for size in reversed(shape):
        step = min(size, limit)
        limit //= step
        ranges.append([slice(start, min(start + step, size)) for start in range(0, size, step)])
    return itertools.product(*reversed(ranges))


def _rows_first(a: Tensor) -> Tensor:
    """Return [..., M, K] as [K, ..., M, 1], each k contiguous."""
    return a.movedim(-1, 0).contiguous()[..., None]


def _columns_first(b: Tensor) -> Tensor:
    """Return [..., K, N] as [K, ..., 1, N], each k contiguous."""
    return b.movedim(-2, 0).contiguous()[..., None, :]


def _part(v: Tensor, shape: tuple[int, ...], part: tuple[slice, ...]) -> Tensor:
    """Return what a part of a result of `shape` needs of an operand with k first; dimensions of size 1 broadcast."""
    *leading, rows, columns = part
    v = v.expand(v.shape[0], *shape[:-2], *v.shape[-2:])
    return v[
        (slice(None), *leading, rows if v.shape[-2] > 1 else slice(None), columns if v.shape[-1] > 1 else slice(None))
    ]


class _Sum:
    """The running sum of a block."""

    def __init__(self, shape: torch.Size, dtype: torch.dtype, accumulate: Accumulate | None, device: torch.device):
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        self._float8 = _FLOAT8.get(accumulate or "")
        self.value = torch.zeros(shape, dtype=_SUM_DTYPE.get(accumulate or "", wide), device=device)

    def add(self, product: Tensor) -> None:
        # torch adds in the wider of the two dtypes, then rounds to the sum's.
        self.value.add_(product)
        if self._float8 is not None:
            self.value.copy_(round_to_float8(self.value, self._float8))


@dataclass(frozen=True)
class _Terms:
    """The bits of both operands with k first, [K, ..., M, 1] and [K, ..., 1, N], and how two of them are multiplied."""

    arithmetic: BitArithmetic
    a: Tensor
    b: Tensor
    added: bool
    """Whether their sum is the product's bits; else the arithmetic multiplies them."""
    masks: tuple[Tensor, ...] = ()
    """ANDed with the sum: what a zero leaves of it."""

    def select(self, shape: tuple[int, ...], part: tuple[slice, ...]) -> _Terms:
        """Return what a part of the result needs."""
        a, b, *masks = (_part(v, shape, part) for v in (self.a, self.b, *self.masks))
        return _Terms(self.arithmetic, a, b, self.added, tuple(masks))

    def products(self) -> Iterator[Tensor]:
        """Yield the products for each k as floats, valid until the next is asked for."""
        if not self.added:
            for one, other in zip(self.a, self.b, strict=True):
                yield self.arithmetic.values(self.arithmetic.multiply(one, other))
            return
        scratch = self.a.new_empty(*self.a.shape[1:-1], self.b.shape[-1])
        product = self.arithmetic.values(scratch)
        for k, (one, other) in enumerate(zip(self.a, self.b, strict=True)):
            torch.add(one, other, out=scratch)
            for mask in self.masks:
                scratch.bitwise_and_(mask[k])
            yield product


def _terms(arithmetic: BitArithmetic, a: Tensor, b: Tensor) -> _Terms:
    """Return the operands as they are multiplied, in the fastest of the ways that the module's text names."""
    a, b = _rows_first(arithmetic.bits(a)), _columns_first(arithmetic.bits(b))
    f, offset = arithmetic.format, arithmetic.lmul.subtrahend(arithmetic.format)
    if arithmetic.variant == "eq1":
        return _Terms(arithmetic, a, b, added=False)
    if arithmetic.lmul.specials == "finite":
        return _Terms(arithmetic, arithmetic.prepare(a), arithmetic.prepare(b).sub_(offset), added=True)
    one, other = _Normal(arithmetic, a), _Normal(arithmetic, b)
    least, greatest = one.least + other.least - offset, one.greatest + other.greatest - offset
    if max(one.greatest, other.greatest) >= f.infinity or least < f.smallest_normal or greatest >= f.infinity:
        return _Terms(arithmetic, a, b, added=False)
    masks = tuple(operand.mask for operand in (one, other) if operand.any_zero)
    return _Terms(arithmetic, one.bits, other.bits.sub_(offset), added=True, masks=masks)


class _Normal:
    """An operand under the policy `ieee`, ready to be added; its zeros and subnormal numbers are 1.0, and masked."""

    def __init__(self, arithmetic: BitArithmetic, bits: Tensor):
        f = arithmetic.format
        magnitude = bits & f.magnitude_mask
        small = arithmetic.is_small(magnitude)
        magnitude = torch.where(small, f.bias << f.mantissa_bits, arithmetic.reduce(magnitude))
        self.least, self.greatest = (int(v) for v in magnitude.aminmax())
        self.any_zero = bool(small.any())
        self.bits = magnitude | (bits & arithmetic.sign_bit)
        # A zero leaves the sign of the product.
        self.mask = torch.where(small, arithmetic.sign_bit, torch.full_like(bits, -1))


def _piecewise_gradients(
    arithmetic: BitArithmetic, a: Tensor, b: Tensor, g: Tensor, block: int
) -> tuple[Tensor, Tensor]:
    """Return the gradients of [..., M, K] and [..., K, N], leading dimensions not yet reduced to the operands' own."""
    wide = torch.float64 if a.dtype == torch.float64 else torch.float32
    g = g.to(wide)
    one, other = arithmetic.line(a), arithmetic.line(b)
    powers = one.power.to(wide), other.power.to(wide)
    if arithmetic.variant == "eq1":
        ga, gb = g @ powers[1].mT, powers[0].mT @ g
    else:
        ga, gb = _scaled_products(arithmetic, (one.mantissa, other.mantissa), powers, g, block)
    ga = torch.where(one.flat, g @ b.to(wide).mT, ga)
    gb = torch.where(other.flat, a.to(wide).mT @ g, gb)
    return ga.to(a.dtype), gb.to(b.dtype)


def _scaled_products(
    arithmetic: BitArithmetic,
    mantissas: tuple[Tensor, Tensor],
    powers: tuple[Tensor, Tensor],
    g: Tensor,
    block: int,
) -> tuple[Tensor, Tensor]:
    """Return the sum over n of g[m, n] 2^carry[m, n, k] b[k, n], and over m with a[m, k]; a and b are the powers."""
    first: tuple[Callable[[Tensor], Tensor], ...] = (_rows_first, _columns_first)
    ints = [order(v) for order, v in zip(first, mantissas, strict=True)]
    floats = [order(v) for order, v in zip(first, powers, strict=True)]
    shape, depth = tuple(g.shape), ints[0].shape[0]
    ga, gb = g.new_zeros(depth, *shape[:-1], 1), g.new_zeros(depth, *shape[:-2], 1, shape[-1])
    if g.numel():
        for part in _blocks(shape, block):
            x, y, px, py, gx, gy = (_part(v, shape, part) for v in (*ints, *floats, ga, gb))
            for k in range(depth):
                scaled = g[part] * arithmetic.carry_scale(x[k], y[k])
                gx[k] += scaled @ py[k].mT
                gy[k] += px[k].mT @ scaled
    return ga.squeeze(-1).movedim(0, -1), gb.squeeze(-2).movedim(0, -2)
