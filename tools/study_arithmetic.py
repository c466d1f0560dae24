"""The arithmetics that torch computes in the study: operands rounded to a short format, and the reference of L-Mul."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..kernels.float8 import Float8, quantise
from ..kernels.lmul import LMul
from ..kernels.lmul_torch import lmul
from ..kernels.lmul_torch_matmul import lmul_matmul
from .study_configurations import Format
from .study_products import Rounded


def rounded_to(format_: Format) -> Rounded:
    """Return the arithmetic of a baseline.

    bf16: operands are rounded to nearest, ties to even. fp8: an operand is scaled as a whole so that its largest
    magnitude becomes the format's largest number (448 or 57344), rounded likewise, and scaled back.
    """
    if format_ == "bf16":
        return Rounded(lambda x: x.to(torch.bfloat16).to(x.dtype))
    return Rounded(lambda x: _through_float8(x, format_))


def _through_float8(x: Tensor, format_: Float8) -> Tensor:
    values, scale = quantise(x, format_)
    return values.to(x.dtype) * scale.to(x.dtype)


@dataclass(frozen=True)
class LMulReference:
    """The torch reference of L-Mul, element by element as the configuration says; its scope plays no part here."""

    lmul: LMul

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the matrix product, each product an L-Mul, summed in f32."""
        c = self.lmul
        return lmul_matmul(x, y, c.mantissa_bits, c.rounding, c.specials, c.offset)

    def multiply(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the L-Mul products."""
        c = self.lmul
        return lmul(x, y, c.mantissa_bits, c.rounding, c.specials, c.offset)
