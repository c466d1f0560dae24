"""The parts that scores are made of: points for a condition, points by bands of a quantity.

Points are chosen with `torch.where` and added; no score multiplies. Conditions and points are [batch].
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor


def given(condition: Tensor, points: float) -> Tensor:
    """Return `points` where the condition, boolean or a flag of 0 and 1, holds, and 0 elsewhere; f32."""
    holds = condition if condition.dtype == torch.bool else condition > 0.5
    return torch.where(holds, points, 0.0)


def bands(x: Tensor, lowest: float, *steps: tuple[float, float]) -> Tensor:
    """Return the points of the band that x lies in.

    `lowest` points below the first limit; then each (limit, points) counts from its limit on, limits ascending.
    """
    result = torch.full_like(x, lowest)
    for limit, points in steps:
        result = torch.where(x >= limit, points, result)
    return result


def coded(code: Tensor, *points: float) -> Tensor:
    """Return the points of a category: `points[i]` where the code is i; f32."""
    result = torch.full(code.shape, points[0], dtype=torch.float32)
    for value, found in enumerate(points[1:], 1):
        result = torch.where(code == value, found, result)
    return result


def either(*flags: Tensor) -> Tensor:
    """Return whether any of the flags of 0 and 1 is set; boolean."""
    return reduce(torch.logical_or, [flag > 0.5 for flag in flags])


def total(*parts: Tensor) -> Tensor:
    """Return the sum of the parts."""
    return reduce(torch.add, parts)
