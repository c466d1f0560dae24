"""erf and erfc of f32 lanes. Coefficients are minimax, see `kernels/minimax.py`; errors are relative."""

from __future__ import annotations

from .approximations_exp import EXP, ROUND, reduce_by_ln_2, times_power_of_two
from .approximations_lanes import Lanes
from .approximations_log import ONE_BITS

ERF = (
    0.12837915122509003,
    -0.3761250078678131,
    0.11281877011060715,
    -0.026768578216433525,
    0.004995848052203655,
    -0.0006003750022500753,
)
"""(erf a - a) / a in a², 0 <= a <= 0.92: a + a p(a²) within 2^-25.9 of erf a. Here for erfc, a < 0.47."""

LOG_ERFC = (
    0.5641893744468689,
    0.0910833552479744,
    -0.016971530392766,
    -0.0001421592169208452,
    0.0014722138876095414,
    -0.0005549565539695323,
    0.00010170073073823005,
    -7.811153409420513e-06,
)
"""(-√π/2 log erfc a - a) / a², 0 <= a <= 3.95: with t = a + a² p(a), 1 - e^(-2t/√π) is within 2^-26.9 of erf a."""

ONE_LESS_EXP = (
    0.12837918102741241,
    -0.6366198062896729,
    0.23944717645645142,
    -0.06754636764526367,
    0.015308934263885021,
    -0.002879803767427802,
)
"""(1 - e^(-2r/√π)) / r - 1, |r| <= √π/4 ln 2, within 2^-26.2 of the numerator."""

TO_BINARY = -1.6279070377349854
"""-2/√π log2 e, in f32: the exponent of e^(-2t/√π) to base 2 is t times this."""
FROM_BINARY = 0.6142857074737549
"""√π/2 ln 2, the inverse: r = t + n times this. What it is off counts for n other than 0 alone, beside 1 - 2^n."""

ERFC = (
    1.2558708190917969,
    -0.13335604965686798,
    -0.05895550921559334,
    0.13747107982635498,
    -0.11760822683572769,
    0.060828644782304764,
    -0.0170934796333313,
    -0.0004955553449690342,
    0.0022168513387441635,
    -0.00023068107839208096,
    -0.00021300965454429388,
)
"""(1 + 2a) e^a² erfc(a) in (a - 2.875) / (a + 2.875), 0 <= a <= 10.1, within 2^-26.2."""


def erf(x: Lanes) -> Lanes:
    """Error function: 1 - e^(-2t/√π) with t(a) about a, so that for small a nothing cancels and t is rounded once.

    e^(-2t/√π) is 2^n e^(-2r/√π), |r| small; 1 - 2^n is exact, and 0 for a below a third.
    """
    a = x.magnitude().at_most(3.95)  # whose erf rounds to 1
    t = (a * a.polynomial(LOG_ERFC)).fma(a, a)
    biased = t.fma(TO_BINARY, ROUND)
    r = (biased - ROUND).fma(FROM_BINARY, t)
    # A NaN is lost in the integers, kept in r.
    power = ((biased.bits() << 23) + ONE_BITS).as_float()
    scaled = power * r
    return scaled.fma(r.polynomial(ONE_LESS_EXP), (1.0 - power) + scaled).with_sign_of(x)


def erfc(x: Lanes) -> Lanes:
    """Complementary error function, accurate in small results too, subnormal ones rounded once.

    The form is that of Shepherd and Laframboise (Mathematics of Computation 36, 1981), refitted.
    """
    a = x.magnitude()
    clamped = a.at_most(10.1)
    t = (clamped - 2.875) / (clamped + 2.875)
    scaled = t.polynomial(ERFC) / clamped.fma(2.0, 1.0)
    # The exact square, in two parts.
    square = clamped * clamped
    rest = clamped.fma(clamped, 0.0 - square)
    r, biased = reduce_by_ln_2(0.0 - square)
    upper = times_power_of_two((r - rest).polynomial(EXP) * scaled, biased)

    near_zero = 1.0 - _small_erf(a).with_sign_of(x)
    return (a < 0.47).select(near_zero, (x < 0.0).select(2.0 - upper, upper))


def _small_erf(a: Lanes) -> Lanes:
    return (a * a).polynomial(ERF).fma(a, a)
