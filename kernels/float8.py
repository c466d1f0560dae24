"""Multiplication in fp8 through torch's own fp8 types: what L-Mul is compared with.

Formats, by their short names: "e4m3" is float8_e4m3fn (no infinities, greatest 448), "e5m2" float8_e5m2 (greatest
finite number 57344). Values are rounded to nearest, ties to even, from float32. All roundings here saturate, as the
conversions of inference hardware do: a greater magnitude, infinity too, becomes the greatest finite one. NaN stays NaN.
"""

from __future__ import annotations

from typing import Final, Literal

import torch
from torch import Tensor

from ..errors import ArgumentError

Float8 = Literal["e4m3", "e5m2"]
Scale = Literal["per-tensor"]

DTYPES: Final[dict[str, torch.dtype]] = {"e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2}


def round_to_float8(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a tensor of floats in an fp8 dtype of torch, saturated."""
    greatest = torch.finfo(dtype).max
    return x.clamp(-greatest, greatest).to(dtype)


def float8_multiply(x: Tensor, y: Tensor, format: Float8) -> Tensor:
    """Return the exact products of two fp8 tensors, broadcast, rounded to fp8; all three have the format's dtype.

    Raises ArgumentError for another format or dtype.
    """
    dtype = _dtype("float8_multiply", format)
    for name, value in (("x", x), ("y", y)):
        if value.dtype != dtype:
            raise ArgumentError(f"float8_multiply: {name}: expected {_name(dtype)}, found {_name(value.dtype)}")
    return round_to_float8(x.to(torch.float32) * y.to(torch.float32), dtype)


def quantise(x: Tensor, format: Float8, scale: Scale | None = "per-tensor") -> tuple[Tensor, Tensor]:
    """Return a tensor in fp8 and the float32 scalar that multiplies it back.

    "per-tensor" maps the greatest magnitude of the tensor onto the greatest of the format, the usual scaling; a tensor
    of zeros has the scale 1. None keeps the scale 1. Raises ArgumentError for other arguments, and where a scale is
    asked of a tensor that is not finite.
    """
    dtype = _dtype("quantise", format)
    if scale not in (None, "per-tensor"):
        raise ArgumentError(f"quantise: scale: expected None or per-tensor, found {scale!r}")
    if not x.is_floating_point():
        raise ArgumentError(f"quantise: x: expected a tensor of floats, found {_name(x.dtype)}")
    x = x.to(torch.float32)
    factor = torch.ones((), device=x.device)
    if scale is not None and x.numel():
        factor = x.abs().amax() / torch.finfo(dtype).max
        if not factor.isfinite():
            raise ArgumentError("quantise: x: expected finite values to scale by, found an infinity or a NaN")
        # Zero too where the greatest magnitude is so small that its quotient is lost.
        factor = torch.where(factor == 0, 1, factor)
    return round_to_float8(x / factor, dtype), factor


def float8_matmul(a: Tensor, b: Tensor, format: Float8) -> Tensor:
    """Return the matrix product of two tensors of floats, each rounded to fp8 with a scale of its own.

    The products are exact and summed in float32; the sums are scaled back and have the dtype of `a`. Shapes as in
    `torch.matmul`. Raises ArgumentError as `quantise` does.
    """
    (qa, scale_a), (qb, scale_b) = quantise(a, format), quantise(b, format)
    return ((qa.to(torch.float32) @ qb.to(torch.float32)) * (scale_a * scale_b)).to(a.dtype)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _dtype(function: str, format: str) -> torch.dtype:
    if format not in DTYPES:
        raise ArgumentError(f"{function}: format: expected one of {', '.join(DTYPES)}, found {format!r}")
    return DTYPES[format]
