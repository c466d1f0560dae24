"""sin and cos of f32 lanes, for every finite argument.

x = q π/2 + r with |r| about π/4 at most; the low two bits of q choose between sin r, cos r and their negatives.
Arguments up to 2^17 are reduced after Cody and Waite, q π/2 subtracted in three fused steps of which the first is
exact; greater ones after Payne and Hanek ("Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983):
the 96 bits of 2/π that matter are multiplied by the significand as integers. Both are computed and one is chosen, so
that there is no branch. Coefficients are minimax (Remez), see `kernels/minimax.py`; errors are relative, coefficients
rounded to f32.
"""

from __future__ import annotations

from math import inf, pi

from .approximations_exp import ROUND
from .approximations_lanes import SIGN_BIT, Lanes

SIN = (
    1.0,
    -0.16666653752326965,
    0.008332106284797192,
    -0.00019507929391693324,
)
"""sin r / r in r², r² <= 0.62, within 2^-27.8."""

COS = (
    1.0,
    -0.5,
    0.04166664555668831,
    -0.0013887308305129409,
    2.4432092686765827e-05,
)
"""cos r in r², r² <= 0.62, within 2^-32.9."""

HALF_PI_PARTS = (1.570796251296997, 7.549789415861596e-08, 5.390302953474238e-15)
"""π/2 as a sum of three f32."""

TWO_OVER_PI_BITS = (
    0x00000000,
    0xA2F9836E,
    0x4E441529,
    0xFC2757D1,
    0xF534DDC0,
    0xDB629599,
    0x3C439041,
    0xFE5163AB,
)
"""The leading bits of the fraction 2/π, after 32 zeros."""

LARGEST_DIRECT = 2.0**17


def sin(x: Lanes) -> Lanes:
    """Sine of radians."""
    r, quadrant = _reduce(x)
    # Small arguments are their own sine: rounded, and -0 keeps its sign, which the sum of the polynomial loses.
    return (x.magnitude() < 2.0**-13).select(x, _sine_of_quadrant(r, quadrant))


def cos(x: Lanes) -> Lanes:
    """Cosine of radians."""
    r, quadrant = _reduce(x)
    return _sine_of_quadrant(r, quadrant + 1)


def _sine_of_quadrant(r: Lanes, quadrant: Lanes) -> Lanes:
    """Return sin(r + quadrant π/2); only the low two bits of the quadrant count."""
    square = r * r
    is_odd = (quadrant & 1).greater_integer(0)
    sine = (square * r).fma(square.polynomial(SIN[1:]), r)
    value = is_odd.select(square.polynomial(COS), sine)
    return (value.bits() ^ ((quadrant << 30) & SIGN_BIT)).as_float()


def _reduce(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return r and q of x; r is NaN for infinity and NaN."""
    biased = x.fma(2 / pi, ROUND)
    n = biased - ROUND
    r = x
    for part in HALF_PI_PARTS:
        r = n.fma(-part, r)

    large_r, large_quadrant = _reduce_large(x)
    a = x.magnitude()
    is_large = (a > LARGEST_DIRECT) & (a < inf)
    return is_large.select(large_r, r), is_large.select(large_quadrant, biased.bits())


def _reduce_large(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return r and q of a finite x of magnitude 2^17 or more.

    x = m 2^(e - 150) with e the biased exponent and m the significand as an integer. In 2/π 2^(e - 150) the bits above
    the weight 2 give multiples of 4 quadrants: the window of 96 bits begins at that weight.
    """
    bits = x.bits()
    position = ((bits >> 23) & 255) - 120
    significand = ((bits & 0x7FFFFF) | 0x800000).to_i64()

    shift = position & 31
    counter_shift = shift ^ 31
    beyond = [position.greater_integer(32 * words - 1) for words in range(1, 5)]
    words = [_choose(bits, beyond, TWO_OVER_PI_BITS[k : k + 5]) for k in range(4)]
    window = [
        ((words[k] << shift) | words[k + 1].shift_right_unsigned(1).shift_right_unsigned(counter_shift)).to_i64()
        for k in range(3)
    ]

    # The product modulo 4 quadrants: two bits of quadrant, 62 bits of fraction.
    carried = (significand * window[2]).shift_right_unsigned(32)
    low = significand * window[1] + carried
    high = (significand * window[0] + low.shift_right_unsigned(32)).to_i32()

    quadrant = (high + 0x20000000) >> 30
    fraction = (high - (quadrant << 30)).to_double() * (pi / 2 * 2.0**-30)
    fraction = low.to_i32().shift_right_unsigned(1).to_double().fma(pi / 2 * 2.0**-61, fraction)
    r = fraction.to_single()

    sign = bits >> 31
    return (r.bits() ^ (bits & SIGN_BIT)).as_float(), (quadrant ^ sign) - sign


def _choose(like: Lanes, beyond: list[Lanes], values: tuple[int, ...]) -> Lanes:
    """Return values[i] where i conditions of `beyond` hold, each of which implies those before it."""
    chosen = like.constant(values[0])
    for condition, value in zip(beyond, values[1:], strict=True):
        chosen = condition.select(like.constant(value), chosen)
    return chosen
