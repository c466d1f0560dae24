"""Odd functions of f32 lanes by a polynomial for each of 32 segments, its coefficients permuted out of registers.

AVX-512's `vpermi2ps` looks a lane's coefficient up in a table of 32 in one instruction, which x86 before it and NEON
have not. With 32 segments a polynomial of degree 5 is enough for functions that saturate, and no exponential, no
division and no case for small arguments is left: 18 or 19 operations instead of 28.

The segments are those that the exponent and the two leading bits of the mantissa tell apart: quarters of a binade from
2^-4 to 2^4, the first of them from 0 on.
"""

from __future__ import annotations

from dataclasses import dataclass

from .approximations_lanes import Lanes
from .approximations_tables import ERF, TANH, Segment

COUNT = 32
SMALLEST = 2.0**-4
"""Where the second segment begins, but for a quarter."""
_SHIFT = 21
"""Bits of an f32 below those that tell segments apart."""
_FIRST = (0x3D800000 >> _SHIFT) % COUNT
"""What those bits are in `SMALLEST`, modulo the number of segments: the place of the first one in a table."""


@dataclass(frozen=True)
class Segmented:
    """An odd function: the polynomials of its segments, as many as lie below `limit`, from where on it rounds to 1."""

    segments: tuple[Segment, ...]
    limit: float
    slope_apart: bool = False
    """The tables leave out a slope of 1, which is added exactly: a coefficient above 1 is rounded too coarsely."""

    def column(self, number: int) -> tuple[float, ...]:
        """Return entry `number` of all segments, each where the low bits of its arguments point; 0 where none does."""
        values = [0.0] * COUNT
        for i, segment in enumerate(self.segments):
            values[(_FIRST + i) % COUNT] = segment[number]
        return tuple(values)


SEGMENTED_TANH = Segmented(TANH, limit=9.5)
SEGMENTED_ERF = Segmented(ERF, limit=3.96875, slope_apart=True)


def erf_avx512(x: Lanes) -> Lanes:
    """Error function of 16, 32, 64, ... lanes."""
    return _odd(x, SEGMENTED_ERF)


def tanh_avx512(x: Lanes) -> Lanes:
    """Hyperbolic tangent of 16, 32, 64, ... lanes."""
    return _odd(x, SEGMENTED_TANH)


def _odd(x: Lanes, function: Segmented) -> Lanes:
    a = x.magnitude().at_most(function.limit)
    segment = a.at_least(SMALLEST).bits().shift_right_unsigned(_SHIFT)
    columns = range(len(function.segments[0]))
    centre, at_centre, *slopes = (segment.looked_up_avx512(function.column(i)) for i in columns)
    r = a - centre
    slope = slopes[-1]
    for coefficient in reversed(slopes[:-1]):
        slope = r.fma(slope, coefficient)
    start = r + at_centre if function.slope_apart else at_centre
    return r.fma(slope, start).with_sign_of(x)
