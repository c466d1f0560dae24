"""The relative error of L-Mul against the exact product, over pairs of numbers in [1, 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from .lmul import LMul
from .lmul_torch import lmul
from .lmul_torch_bits import FORMAT_OF, BitArithmetic

SAMPLE: Final = 4_000_000
"""Pairs that `sampled_bfloat16_pairs` draws."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of numbers, two vectors of one dtype, and how much each pair weighs, in float64; the weights sum to 1."""

    x: Tensor
    y: Tensor
    weight: Tensor


@dataclass(frozen=True)
class RelativeError:
    """The distribution of the relative error, in percent."""

    mean: float
    rms: float
    least: float
    greatest: float


def all_bfloat16_pairs() -> Pairs:
    """Return all 128 x 128 pairs of bfloat16 numbers in [1, 2)."""
    return _bfloat16_pairs(torch.ones(128 * 128, dtype=torch.float64))


def sampled_bfloat16_pairs() -> Pairs:
    """Return the pairs of bfloat16 numbers in [1, 2) weighted as often as they are drawn in `SAMPLE` random pairs.

    The draws are NumPy's `default_rng(0).random`, all x first, truncated to bfloat16.
    """
    random = np.random.default_rng(0)
    x, y = (np.floor(random.random(SAMPLE) * 128).astype(np.int64) for _ in range(2))
    return _bfloat16_pairs(torch.from_numpy(np.bincount(x * 128 + y, minlength=128 * 128)).double())


def spaced_binary32_pairs() -> Pairs:
    """Return all pairs of 1280 binary32 numbers that stand for those in [1, 2): the midpoints of equal intervals."""
    x, y = _square(1 + (torch.arange(1280) + 0.5) / 1280)
    return Pairs(x, y, torch.full((), 1 / x.numel(), dtype=torch.float64).expand(x.shape))


def relative_error(configuration: LMul, pairs: Pairs, *, ties_up: bool = False) -> RelativeError:
    """Return the error of `lmul` in the dtype of the pairs.

    With `ties_up` operands are rounded to nearest, ties away from zero, before they are given to `lmul`: neither
    rounding of L-Mul does so. Raises ArgumentError where the dtype has fewer mantissa bits than are to be kept.
    """
    x, y, c = pairs.x, pairs.y, configuration
    if ties_up:
        x, y = _rounded_ties_up(x, c), _rounded_ties_up(y, c)
    products = lmul(x, y, c.mantissa_bits, c.rounding, c.specials, c.offset).double()
    error = 100 * (products / (pairs.x.double() * pairs.y.double()) - 1)
    return RelativeError(
        mean=float((pairs.weight * error).sum()),
        rms=float((pairs.weight * error.square()).sum().sqrt()),
        least=float(error.min()),
        greatest=float(error.max()),
    )


def constant(configuration: LMul, dtype: torch.dtype) -> float:
    """Return the constant that is added to the sum of two mantissas, rounded to the last place of `dtype`."""
    f = FORMAT_OF[dtype]
    return configuration.correction(f) / (1 << f.mantissa_bits)


def _bfloat16_pairs(weight: Tensor) -> Pairs:
    x, y = _square((1 + torch.arange(128) / 128).to(torch.bfloat16))
    return Pairs(x, y, weight / weight.sum())


def _square(numbers: Tensor) -> tuple[Tensor, Tensor]:
    return numbers.repeat_interleave(len(numbers)), numbers.repeat(len(numbers))


def _rounded_ties_up(x: Tensor, configuration: LMul) -> Tensor:
    """Return positive normal numbers rounded to k mantissa bits."""
    arithmetic = BitArithmetic(configuration, x.dtype)
    dropped = configuration.dropped_bits(arithmetic.format)
    if not dropped:
        return x
    half = 1 << (dropped - 1)
    return arithmetic.values((arithmetic.bits(x) + half) & (-1 << dropped))
