"""x to a constant power, where a few multiplications, a division or a square root give it. f32 and f64 lanes."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from .approximations_lanes import Lanes


def _root(x: Lanes) -> Lanes:
    """x^0.5 as C's pow has it: unlike sqrt, +0 for -0 and infinity for -infinity."""
    return x.equals(-inf).select(x.constant(inf), (x + 0.0).sqrt())


CONSTANT_POWERS: dict[float, Callable[[Lanes], Lanes]] = {
    -1.0: lambda x: 1.0 / x,
    -0.5: lambda x: 1.0 / _root(x),
    0.5: _root,
    1.0: lambda x: x,
    2.0: lambda x: x * x,
    3.0: lambda x: x * x * x,
    4.0: lambda x: (x * x) * (x * x),
}
"""The powers that are within 2 ulp this way over all arguments; the others are left to libm."""
