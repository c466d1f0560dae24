"""L-Mul of torch tensors, element by element: `slipstick.lmul`. What it computes is said in `lmul.py`, to the bit.

Gradients, by the argument `gradient`; g is the gradient of the result:

- `straight-through`: those of the exact product, g y for x and g x for y.
- `piecewise`: the slope of the line that the forward pass was on. Nothing truncated, L-Mul is piecewise linear: for
  x = (-1)^sx 2^ex (1 + mx), y likewise, s = mx + my + c and n = floor(s), the carry,

      r = (-1)^(sx xor sy) 2^(ex + ey + n) (1 + s - n),   dr/dx = (-1)^sy 2^(ey + n),   dr/dy = (-1)^sx 2^(ex + n)

  (`eq1`: n = 0). At a kink, where n or ex steps, it is the slope on the side of larger magnitudes. ex, mx and n are
  those of the operands as they were added: clamped, truncated or rounded, which itself is passed straight through.
  Where x is zero, subnormal or clamped (`finite`), r is flat in x, on an interval that says nothing of the slope
  around it: there dr/dx is y, as of the exact product, so that weights that start at zero can learn. A zero or
  subnormal y makes dr/dx 0 under `ieee`. An over- or underflow of r changes no slope.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor

from ..errors import ArgumentError
from .lmul import LMul, Rounding, Specials
from .lmul_offset import Offset
from .lmul_torch_bits import FORMAT_OF, BitArithmetic, Variant

Gradient = Literal["straight-through", "piecewise"]

FLOAT8: Final = (torch.float8_e4m3fn, torch.float8_e5m2)
"""The dtypes that are widened to bfloat16, which holds their values."""


def lmul(
    x: Tensor,
    y: Tensor,
    mantissa_bits: int = 4,
    rounding: Rounding = "truncate",
    specials: Specials = "ieee",
    offset: Offset = "paper",
    *,
    variant: Variant = "carry",
    gradient: Gradient = "straight-through",
) -> Tensor:
    """Return the L-Mul products of two tensors, broadcast against each other.

    Both are of one dtype, float16, bfloat16, float32 or float64, and so is the result; float8_e4m3fn and float8_e5m2
    are widened to bfloat16 first. `mantissa_bits`, `rounding`, `specials`, `offset`: as of `LMul`, with at most the
    dtype's own mantissa bits. `variant`: "carry", which is L-Mul, or "eq1", the paper's Equation 1 read literally (see
    `lmul_oracle.py`). `gradient`: see the module's text. Raises ArgumentError.
    """
    x, y = operands("lmul", x=x, y=y)
    arithmetic = configured("lmul", x.dtype, LMul(mantissa_bits, rounding, specials, offset=offset), variant, gradient)
    if broadcast(x.shape, y.shape) is None:
        raise ArgumentError(f"lmul: y: expected a shape that broadcasts with {tuple(x.shape)}, found {tuple(y.shape)}")
    product: Tensor = _Product.apply(x, y, arithmetic, gradient)  # type: ignore[no-untyped-call]
    return product


def broadcast(one: torch.Size, other: torch.Size) -> torch.Size | None:
    """Return the shape that two shapes broadcast to, None where they do not."""
    try:
        shape: torch.Size = torch.broadcast_shapes(one, other)  # type: ignore[no-untyped-call]
    except RuntimeError:
        return None
    return shape


def operands(function: str, **arguments: Tensor) -> tuple[Tensor, Tensor]:
    """Return two named operands of one dtype that L-Mul multiplies in, fp8 widened; raises ArgumentError for others."""
    supported = (*FORMAT_OF, *FLOAT8)
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            raise ArgumentError(f"{function}: {name}: expected a torch tensor, found {type(value).__name__}")
        if value.dtype not in supported:
            expected = ", ".join(_short(dtype) for dtype in supported)
            raise ArgumentError(f"{function}: {name}: expected one of {expected}, found {_short(value.dtype)}")
    (first, x), (second, y) = arguments.items()
    if x.dtype != y.dtype:
        raise ArgumentError(f"{function}: {second}: expected {_short(x.dtype)} as of {first}, found {_short(y.dtype)}")
    if x.device != y.device:
        raise ArgumentError(
            f"{function}: {second}: expected a tensor on {x.device} as {first}, found one on {y.device}"
        )
    return (_widened(x), _widened(y)) if x.dtype in FLOAT8 else (x, y)


def _widened(x: Tensor) -> Tensor:
    """Return an fp8 tensor as bfloat16, which holds its values; a NaN keeps its sign, which torch may drop."""
    wide = x.to(torch.bfloat16)
    nan = torch.copysign(torch.full_like(wide, torch.nan), x.view(torch.int8))
    return torch.where(wide.isnan(), nan, wide)


def configured(function: str, dtype: torch.dtype, lmul: LMul, variant: Variant, gradient: str) -> BitArithmetic:
    """Return the arithmetic of a configuration after checking what `LMul` does not; raises ArgumentError."""
    for name, value, choices in (("variant", variant, Variant), ("gradient", gradient, Gradient)):
        if value not in get_args(choices):
            raise ArgumentError(f"{function}: {name}: expected one of {', '.join(get_args(choices))}, found {value!r}")
    return BitArithmetic(lmul, dtype, variant)


class _Product(torch.autograd.Function):
    """The product with its gradients; operands are of one supported dtype and broadcast."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, arithmetic: BitArithmetic, gradient: Gradient) -> Tensor:
        ctx.save_for_backward(x, y)
        ctx.arithmetic, ctx.gradient = arithmetic, gradient
        return arithmetic.values(arithmetic.multiply(arithmetic.bits(x), arithmetic.bits(y)))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, y = ctx.saved_tensors
        by_x, by_y = y, x
        if ctx.gradient == "piecewise":
            by_x, by_y = _slopes(ctx.arithmetic, x, y)
        wanted = ctx.needs_input_grad
        gx = (g * by_x).sum_to_size(x.shape) if wanted[0] else None
        gy = (g * by_y).sum_to_size(y.shape) if wanted[1] else None
        return gx, gy, None, None


def _slopes(arithmetic: BitArithmetic, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return dr/dx and dr/dy of the piecewise linear function."""
    a, b = arithmetic.line(x), arithmetic.line(y)
    scale = arithmetic.carry_scale(a.mantissa, b.mantissa)
    return torch.where(a.flat, y, scale * b.power), torch.where(b.flat, x, scale * a.power)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
