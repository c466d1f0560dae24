"""Powers: of f32 lanes in general; to some constants by a few multiplications, a division or a root, f64 lanes too.

x^y is 2^(y log2 x), within one unit in the last place. The exponent is up to 150 and counts with its absolute error, so
that it is taken in f64: log2 of the significand by a minimax polynomial (see `kernels/minimax.py`), the product with y,
and what rounding it to an integer leaves, which is a number for f32 again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from .approximations_exp import EXP_2, ROUND, times_power_of_two
from .approximations_lanes import SIGN_BIT, Lanes
from .approximations_log import split

LOG_2_DOUBLE = (
    1.4426950409391666,
    -0.7213475252151788,
    0.48089832073191724,
    -0.36067280035436333,
    0.28854064354491366,
    -0.2405041800241508,
    0.2060962607778349,
    -0.17904687125665367,
    0.15900136942055434,
    -0.15698264770973824,
    0.1548584625575635,
    -0.08634635654576962,
)
"""log2(1 + f) / f, f64, √½ - 1 <= f <= √2 - 1, within 2^-33.2."""

MAX = 3.4028234663852886e38
ROUND_DOUBLE = 6755399441055744.0
"""1.5 * 2^52: an f64 added to this is rounded to an integer."""


def power(x: Lanes, y: Lanes) -> Lanes:
    """x^y as C's pow has it: a negative x only to integers, 1^y = x^0 = 1, and the rest of its special cases."""
    return _scaled_power(x, y, times_power_of_two)


def power_avx512(x: Lanes, y: Lanes) -> Lanes:
    """x^y of 16, 32, ... lanes, bit for bit that of `power`."""
    return _scaled_power(x, y, lambda value, biased: value.scaled_by_avx512(biased - (ROUND + 254.0)))


def _scaled_power(x: Lanes, y: Lanes, scale: Callable[[Lanes, Lanes], Lanes]) -> Lanes:
    a = x.magnitude()
    e, f = split(a)
    f = f.widened()
    log = f.fma(f.polynomial(LOG_2_DOUBLE), e.widened())
    log = (a > 0.0).select(log, log.constant(-inf))
    log = (a < inf).select(log, a.widened())  # infinity and NaN
    # An infinite y counts as the greatest finite one: 0 times that is 0, as 1 and -1 to infinity are 1.
    finite = y.at_least(-MAX).at_most(MAX)
    exponent = (log * finite.widened()).at_least(-151.0).at_most(129.0)
    n = (exponent + ROUND_DOUBLE) - ROUND_DOUBLE
    r = (exponent - n).to_single()
    result = scale(r.polynomial(EXP_2), n.to_single() + (ROUND + 254.0))
    result = (x.equals(1.0) | y.equals(0.0)).select(result.constant(1.0), result)
    return _signed(result, x, y)


def _signed(result: Lanes, x: Lanes, y: Lanes) -> Lanes:
    """Return |x|^y, the `result`, with the sign that x^y has; NaN for finite x below 0 and y between integers."""
    half = y * 0.5
    is_integer = y.equals(y.truncated())
    is_odd = is_integer & half.differs(half.truncated())
    negative = (result.bits() ^ (x.bits() & SIGN_BIT)).as_float()
    undefined = (x < 0.0) & (x > -inf) & (is_integer ^ 1) & (y.magnitude() < inf)
    return undefined.select(result.constant(nan), is_odd.select(negative, result))


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
"""The powers that are within 2 ulp this way over all arguments."""
