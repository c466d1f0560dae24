"""log, log2 and log1p of f32 lanes.

x = 2^e (1 + f) with 1 + f in [√½, √2): the logarithm is e ln 2 + log(1 + f). Coefficients are minimax (Remez), see
`kernels/minimax.py`; errors are relative, coefficients rounded to f32.
"""

from __future__ import annotations

from math import inf, nan

from .approximations_exp import LN_2_HIGH, LN_2_LOW
from .approximations_lanes import Lanes

LOG = (
    1.0,
    -0.5,
    0.3333333134651184,
    -0.2500081956386566,
    0.2000124454498291,
    -0.16623413562774658,
    0.1420150101184845,
    -0.1315949559211731,
    0.12762713432312012,
    -0.07637032121419907,
)
"""log(1 + f) / f within 2^-27.2."""

LOG_2 = (
    1.4426950216293335,
    -0.7213473320007324,
    0.4808982014656067,
    -0.3606986701488495,
    0.2885715663433075,
    -0.2395721822977066,
    0.20448440313339233,
    -0.19128310680389404,
    0.1870362013578415,
    -0.11059246957302094,
)
"""log2(1 + f) / f within 2^-27.6."""

SQRT_HALF_BITS = 0x3F3504F3
ONE_BITS = 0x3F800000
SMALLEST_NORMAL = 2.0**-126


def log(x: Lanes) -> Lanes:
    """Natural logarithm."""
    e, f = split(x)
    return _with_special_values(_log(e, f), x, pole=0.0)


def log2(x: Lanes) -> Lanes:
    """Logarithm to the base 2; exact for powers of two."""
    e, f = split(x)
    return _with_special_values(f.fma(f.polynomial(LOG_2), e), x, pole=0.0)


def log1p(x: Lanes) -> Lanes:
    """log(1 + x), exact in the limit of small x."""
    u = x + 1.0
    exponent = (u.bits() - SQRT_HALF_BITS) >> 23
    # 1 + f = (1 + x) 2^-e with one rounding; where the 1 does not matter 2^-e may not be a normal number.
    scale = (ONE_BITS - (exponent << 23)).as_float()
    f = (x > 2.0**30).select((u.bits() - (exponent << 23)).as_float() - 1.0, x.fma(scale, scale - 1.0))
    return _with_special_values(_log(exponent.to_float(), f).with_sign_of(x), x, pole=-1.0)


def split(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return e and f as floats with x = 2^e (1 + f), for finite positive x."""
    subnormal = x < SMALLEST_NORMAL
    bits = subnormal.select(x * 2.0**23, x).bits()
    exponent = (bits - SQRT_HALF_BITS) >> 23
    f = (bits - (exponent << 23)).as_float() - 1.0
    e = exponent.to_float()
    return subnormal.select(e - 23.0, e), f


def _log(e: Lanes, f: Lanes) -> Lanes:
    """Return e ln 2 + log(1 + f), the small terms first."""
    small = (f * f).fma(f.polynomial(LOG[1:]), e * LN_2_LOW)
    return e.fma(LN_2_HIGH, small + f)


def _with_special_values(result: Lanes, x: Lanes, pole: float) -> Lanes:
    """Return `result` where pole < x < infinity, -infinity at the pole, NaN below it; infinity and NaN are kept."""
    special = (x < pole).select(x.constant(nan), x)
    special = x.equals(pole).select(x.constant(-inf), special)
    return ((x > pole) & (x < inf)).select(result, special)
