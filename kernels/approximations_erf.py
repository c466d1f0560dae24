"""erf and erfc of f32 lanes. Coefficients are minimax, see `kernels/minimax.py`; errors are relative."""

from __future__ import annotations

from .approximations_exp import EXP, ROUND, reduce_by_ln_2, times_power_of_two
from .approximations_lanes import Lanes

ERF = (
    0.12837915122509003,
    -0.3761250078678131,
    0.11281877011060715,
    -0.026768578216433525,
    0.004995848052203655,
    -0.0006003750022500753,
)
"""(erf a - a) / a in a², 0 <= a <= 0.92: a + a p(a²) within 2^-25.9 of erf a."""

LOG2_ERFC = (
    -0.0028379885479807854,
    -1.6156421899795532,
    -0.9394583106040955,
    -0.13103149831295013,
    0.022342078387737274,
    -0.0017886521527543664,
)
"""log2 erfc a, 0.92 <= a <= 3.95: 1 - 2^p(a) within 2^-25.3 of erf a."""

EXP_2_SHORT = (
    1.0,
    0.6931470036506653,
    0.24022246897220612,
    0.0555071085691452,
    0.009671294130384922,
    0.0013269539922475815,
)
"""2^r, |r| <= 1/2, within 2^-23.4; here it counts a fifth at most."""

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
    """Error function: a polynomial below 0.92, above it 1 - erfc(a), where erfc(a) is 2 to a polynomial."""
    a = x.magnitude()
    clamped = a.at_most(3.95)  # whose erf rounds to 1
    log2_erfc = clamped.polynomial(LOG2_ERFC)
    biased = log2_erfc + ROUND
    power = (log2_erfc - (biased - ROUND)).polynomial(EXP_2_SHORT)
    large = 1.0 - (power.bits() + (biased.bits() << 23)).as_float()
    # A NaN is lost in the integer addition above, kept in the polynomial below.
    return (a > 0.92).select(large, _small_erf(a)).with_sign_of(x)


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
