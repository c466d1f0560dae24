"""The constants that L-Mul adds: the paper's, and two that are derived from the error they leave.

Write c for the constant, in units of 1 (the paper: 2^-l(k)), x = 2^ex (1 + mx), and t(m) for a mantissa as k bits keep
it. The product is 2^(ex + ey) A(s) with s = t(mx) + t(my) + c, where the carry makes A piecewise linear:

    A(s) = 2^n (1 + s - n),   n = floor(s)

and the relative error is A(s) / ((1 + mx)(1 + my)) - 1. With mx and my independent and uniform over the mantissas of
the format, and the mantissas that k bits keep as t_i taken together,

    w_i = E[1 / (1 + m); t(m) = t_i],   v_i = E[1 / (1 + m)^2; t(m) = t_i]

the two moments of the error are sums over pairs of kept mantissas:

    mean = sum_ij w_i w_j A(t_i + t_j + c) - 1
    mean square = sum_ij v_i v_j A(t_i + t_j + c)^2 - 2 sum_ij w_i w_j A(t_i + t_j + c) + 1

`unbiased` is the c at which the mean is zero; the mean grows with c, so there is one. `min-rms` is the c of the least
mean square. Both depend on k, on the rounding and, a little, on the number of mantissa bits M of the format: a format
of at most 12 has exactly those mantissas, a wider one is taken for continuous. Each c is rounded to 2^-23, then to the
format's own last place.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

import numpy as np

Offset = Literal["paper", "unbiased", "min-rms"]
Array = np.ndarray[Any, np.dtype[np.float64]]

_GRID: Final = 12
"""Bits of the mantissas that are summed over."""
_PLACE: Final = 23
"""Bits after the point of a derived constant: more are noise of the summation."""


def paper_exponent(mantissa_bits: int) -> int:
    """Return the paper's l(k): 2^-l(k) stands for the average of the product of mantissas that the addition leaves out.

    arXiv 2410.00907, equation 1: k for k <= 3, 3 for k = 4, 4 for k > 4.
    """
    return mantissa_bits if mantissa_bits <= 3 else 3 if mantissa_bits == 4 else 4


@cache
def offset_constant(offset: Offset, mantissa_bits: int, rounding: str, format_bits: int) -> float:
    """Return the constant c of L-Mul that keeps k = `mantissa_bits` of the M = `format_bits` of a format, k <= M."""
    if offset == "paper":
        return 2.0 ** -paper_exponent(mantissa_bits)
    sums, first, second = _distribution(mantissa_bits, rounding, format_bits)
    constant = _unbiased(sums, first) if offset == "unbiased" else _least_square(sums, first, second)
    if rounding == "truncate" and _GRID < mantissa_bits < format_bits:
        # The grid shows no truncation of so many bits: two operands lose half a unit of the last kept place each.
        constant += 2.0**-mantissa_bits - 2.0**-format_bits
    return round(constant * 2.0**_PLACE) / 2.0**_PLACE


def _distribution(mantissa_bits: int, rounding: str, format_bits: int) -> tuple[Array, Array, Array]:
    """Return the sums t_i + t_j that occur, and the sums of w_i w_j and of v_i v_j over the pairs of each."""
    bits = min(format_bits, _GRID)
    midpoint = 0.5 if format_bits > _GRID else 0.0
    mantissas = (np.arange(1 << bits) + midpoint) / (1 << bits)
    k = min(mantissa_bits, bits)
    kept = mantissas * (1 << k)
    # NumPy rounds ties to even; a mantissa rounded up to 1 is the next power of two, whose t is 1.
    index = (np.rint(kept) if rounding == "rne" and k < bits else np.floor(kept)).astype(np.int64)
    first = np.bincount(index, 1 / (1 + mantissas), (1 << k) + 1) / (1 << bits)
    second = np.bincount(index, 1 / (1 + mantissas) ** 2, (1 << k) + 1) / (1 << bits)
    shift = 2 * midpoint / (1 << bits) if k == bits else 0.0
    sums = np.arange(2 * len(first) - 1) / (1 << k) + shift
    return sums, np.convolve(first, first), np.convolve(second, second)


def _antilog(s: Array) -> Array:
    whole = np.floor(s)
    scaled: Array = np.exp2(whole) * (1 + s - whole)
    return scaled


def _unbiased(sums: Array, first: Array) -> float:
    low, high = -1.0, 1.0
    while high - low > 2.0**-40:
        middle = (low + high) / 2
        low, high = (middle, high) if first @ _antilog(sums + middle) < 1 else (low, middle)
    return low


def _least_square(sums: Array, first: Array, second: Array) -> float:
    def square(c: float) -> float:
        antilog = _antilog(sums + c)
        return float(second @ antilog**2 - 2 * (first @ antilog))

    # Piecewise quadratic in c: the best of a grid, then thirds around it.
    step = 2.0**-10
    best = min(np.arange(-1.0, 1.0, step), key=square)
    low, high = best - step, best + step
    while high - low > 2.0**-40:
        one, other = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, other) if square(one) < square(other) else (one, high)
    return float(low)
