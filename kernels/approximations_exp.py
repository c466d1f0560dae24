"""exp, exp2, expm1 and tanh of f32 lanes.

Range reduction (Cody and Waite): x = n ln 2 + r with n the nearest integer, |r| <= ln 2 / 2; n ln 2 is subtracted in
two fused steps, the first of them exact. n is rounded by adding 1.5 * 2^23, which leaves it in the low bits of the sum,
one shift from an exponent. Coefficients are minimax (Remez), see `kernels/minimax.py`; errors are relative, of the
polynomial alone, coefficients rounded to f32.
"""

from __future__ import annotations

from .approximations_lanes import Lanes

LOG2_E = 1.4426950408889634
LN_2_HIGH = 0.693147182464599609375  # ln 2 rounded to f32
LN_2_LOW = -1.904654299957767e-09  # the rest

ROUND = 12582912.0
"""1.5 * 2^23: an f32 up to 2^22 in magnitude, added to this, is rounded to an integer, found in the low bits."""

EXP = (
    1.0,
    1.0,
    0.4999999403953552,
    0.1666652113199234,
    0.04166826605796814,
    0.008368689566850662,
    0.0013820031890645623,
)
"""e^r, |r| <= ln 2 / 2, within 2^-28.2."""

EXP_2 = (
    1.0,
    0.6931471824645996,
    0.24022647738456726,
    0.05550359934568405,
    0.009618504904210567,
    0.0013390808599069715,
    0.00015326860011555254,
)
"""2^r, |r| <= 1/2, within 2^-28.3."""

EXPM1 = (
    1.0,
    0.4999999701976776,
    0.1666654646396637,
    0.04166761413216591,
    0.00836621318012476,
    0.0013855360448360443,
)
"""(e^r - 1) / r, |r| <= ln 2 / 2, within 2^-26.1."""

EXP_TWICE = (
    1.0,
    2.0,
    1.999999761581421,
    1.3333216905593872,
    0.6666922569274902,
    0.2677980661392212,
    0.08844820410013199,
)
"""e^2r, |r| <= ln 2 / 4, within 2^-28.2."""

TANH = (
    -0.33333316445350647,
    0.13332535326480865,
    -0.053846124559640884,
    0.021043486893177032,
    -0.006231111008673906,
)
"""(tanh x - x) / x³ in x², |x| <= 0.55: x + x³ p(x²) within 2^-29.6 of tanh x."""


def exp(x: Lanes) -> Lanes:
    """e^x. Subnormal results are rounded once, never flushed."""
    # Beyond these limits the results are 0 and infinity, and n stays in the range of `times_power_of_two`.
    x = x.at_least(-104.0).at_most(89.0)
    r, biased = reduce_by_ln_2(x)
    return times_power_of_two(r.polynomial(EXP), biased)


def exp_avx512(x: Lanes) -> Lanes:
    """e^x of 16 lanes, bit for bit that of `exp`, five operations shorter."""
    x = x.at_least(-104.0).at_most(89.0)
    n = x.fma(LOG2_E, ROUND) - ROUND
    r = n.fma(-LN_2_LOW, n.fma(-LN_2_HIGH, x))
    return r.polynomial(EXP).scaled_by_avx512(n)


def exp2(x: Lanes) -> Lanes:
    """2^x. Subnormal results are rounded once, never flushed."""
    x = x.at_least(-151.0).at_most(129.0)
    biased = x + (ROUND + 254.0)
    r = x - (biased - (ROUND + 254.0))
    return times_power_of_two(r.polynomial(EXP_2), biased)


def exp2_avx512(x: Lanes) -> Lanes:
    """2^x of 16 lanes, bit for bit that of `exp2`."""
    x = x.at_least(-151.0).at_most(129.0)
    n = (x + ROUND) - ROUND
    return (x - n).polynomial(EXP_2).scaled_by_avx512(n)


def expm1(x: Lanes) -> Lanes:
    """e^x - 1 = 2^n (e^r - 1) + (2^n - 1), exact in the limit of small x."""
    clamped = x.at_least(-18.0).at_most(89.0)
    biased = clamped.fma(LOG2_E, ROUND + 126.0)
    n = biased - (ROUND + 126.0)
    r = n.fma(-LN_2_LOW, n.fma(-LN_2_HIGH, clamped))
    # Half of it, for 2^128 is not an f32. Halving loses bits of a subnormal, so that small x are their own result.
    half_power = (biased.bits() << 23).as_float()
    half = (half_power * r).fma(r.polynomial(EXPM1), half_power - 0.5)
    return (x.magnitude() < 2.0**-25).select(x, half + half)


def tanh(x: Lanes) -> Lanes:
    """Hyperbolic tangent: a polynomial below 0.55, above it 1 - 2 / (e^2x + 1), which loses no bits there."""
    a = x.magnitude()
    square = a * a
    small = (square * a).fma(square.polynomial(TANH), a)

    # tanh 10 rounds to 1. In this range ln 2 / 2 need not be split: its error is damped by 2 / (e^2x + 1).
    clamped = a.at_most(10.0)
    biased = clamped.fma(2 * LOG2_E, ROUND)
    r = (biased - ROUND).fma(-LN_2_HIGH / 2, clamped)
    exp_twice = (r.polynomial(EXP_TWICE).bits() + (biased.bits() << 23)).as_float()
    large = 1.0 - 2.0 / (exp_twice + 1.0)

    # A NaN is lost in the integer addition above, kept in the polynomial below.
    return (a > 0.55).select(large, small).with_sign_of(x)


def reduce_by_ln_2(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return x - n ln 2, for the integer n nearest to x / ln 2, and n + 254 + ROUND."""
    biased = x.fma(LOG2_E, ROUND + 254.0)
    n = biased - (ROUND + 254.0)
    return n.fma(-LN_2_LOW, n.fma(-LN_2_HIGH, x)), biased


def times_power_of_two(x: Lanes, biased: Lanes) -> Lanes:
    """Return x 2^n for x about 1 and -254 <= n <= 256, where `biased` is n + 254 + ROUND.

    Two factors, each a normal number: the first product is exact, so that a subnormal result is rounded once.
    """
    sum_of_exponents = biased.bits()
    # The bits of ROUND itself are even and so high that they leave the word in the shift by 23.
    first = sum_of_exponents >> 1
    second = sum_of_exponents - first
    return x * (first << 23).as_float() * (second << 23).as_float()
