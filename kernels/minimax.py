"""How the coefficients of the approximations were made; `python -m slipstick.kernels.minimax` prints them again.

Each polynomial p is the minimax fit (second algorithm of Remez, on a grid of Chebyshev points) of a function f:
it minimises the greatest |weight(x) (p(x) - f(x))| over an interval. As the coefficients have to be f32, they are fixed
one after the other: the lowest is rounded, the others are fitted again with it fixed, and so on, so that the higher
coefficients make good for the rounding of the lower ones.

Needs mpmath, which comes with torch (through sympy). Nothing else in slipstick imports this module.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath as mp  # type: ignore[import-untyped]

Function = Callable[[Any], Any]
"""From a number of mpmath to another."""

mp.mp.dps = 30


@dataclass(frozen=True)
class Fit:
    """What a table of coefficients approximates.

    `weight` turns an error of the polynomial into the relative error of the function that is computed in the end.
    `leading` are coefficients that are given, lowest first. With `double`, coefficients are f64, not f32.
    """

    function: Function
    weight: Function
    degree: int
    low: float
    high: float
    leading: tuple[float, ...] = ()
    double: bool = False

    def coefficients(self) -> tuple[float, ...]:
        """Return the coefficients, lowest first, each of them an f32, or with `double` an f64."""
        fixed = [mp.mpf(c) for c in self.leading]
        if self.double:
            return tuple(float(c) for c in self._remez(fixed))
        while len(fixed) <= self.degree:
            fixed.append(mp.mpf(_f32(self._remez(fixed)[len(fixed)])))
        return tuple(float(c) for c in fixed)

    def error(self, coefficients: Sequence[float], points: int = 1999) -> float:
        """Return the greatest weighted error of these coefficients in exact arithmetic.

        Over an even number of points: the middle, where a fit over [-x, x] may have a removable singularity, is none.
        """
        errors = []
        for i in range(points + 1):
            x = self.low + (mp.mpf(self.high) - self.low) * i / points
            errors.append(abs(self.weight(x) * (_evaluate(coefficients, x) - self.function(x))))
        return float(max(errors))

    def _remez(self, fixed: list[Any]) -> list[Any]:
        """Return all coefficients, unrounded, of the best polynomial that begins with those of `fixed`."""
        k = len(fixed)
        unknowns = self.degree + 1 - k
        grid = _chebyshev_points(self.low, self.high, 20 * (unknowns + 1))
        # What is left to fit is a polynomial times x^k.
        weights = [self.weight(x) * abs(x) ** k for x in grid]
        values = [(self.function(x) - _evaluate(fixed, x)) / x**k for x in grid]
        chosen = [(2 * i + 1) * len(grid) // (2 * (unknowns + 1)) for i in range(unknowns + 1)]
        for _ in range(30):
            fitted, level = _levelled(grid, values, weights, chosen)
            errors = [w * (_evaluate(fitted, x) - v) for x, v, w in zip(grid, values, weights, strict=True)]
            if max(abs(e) for e in errors) <= level * (1 + mp.mpf(10) ** -6):
                break
            chosen = _alternating_extrema(errors, unknowns + 1)
            if len(chosen) <= unknowns:  # the fixed ones leave an error of one sign: no level to be reached
                break
        return fixed + fitted


def _levelled(grid: list[Any], values: list[Any], weights: list[Any], chosen: list[int]) -> tuple[list[Any], Any]:
    """Return the polynomial whose weighted errors at the chosen points are equal and alternate, and that error."""
    count = len(chosen)
    matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
    for row, i in enumerate(chosen):
        for column in range(count - 1):
            matrix[row, column] = grid[i] ** column
        matrix[row, count - 1] = (-1) ** row / weights[i]
        right[row] = values[i]
    solution = mp.lu_solve(matrix, right)
    return [solution[i] for i in range(count - 1)], abs(solution[count - 1])


def _alternating_extrema(errors: list[Any], count: int) -> list[int]:
    """Return the indices of `count` extrema of alternating sign, the greatest there are."""
    extrema = [0]
    for i, error in enumerate(errors):
        if (error > 0) != (errors[extrema[-1]] > 0):
            extrema.append(i)
        elif abs(error) > abs(errors[extrema[-1]]):
            extrema[-1] = i
    while len(extrema) > count:
        sizes = [abs(errors[i]) for i in extrema]
        if len(extrema) == count + 1:
            del extrema[0 if sizes[0] < sizes[-1] else -1]
        else:
            least = min(range(len(extrema) - 1), key=lambda k: max(sizes[k], sizes[k + 1]))
            del extrema[least : least + 2]
    return extrema


def _chebyshev_points(low: float, high: float, count: int) -> list[Any]:
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    return [middle - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def _evaluate(coefficients: Sequence[Any], x: Any) -> Any:
    return mp.polyval(list(coefficients)[::-1], x) if coefficients else mp.mpf(0)


def _f32(x: Any) -> float:
    value: float = struct.unpack("f", struct.pack("f", float(x)))[0]
    return value


def _relative(function: Function, **options: Any) -> Fit:
    return Fit(function, lambda x: 1 / function(x), **options)


def _of_root(function: Function) -> Function:
    """Return f(√s) / √s as a function of s."""
    return lambda s: function(mp.sqrt(s)) / mp.sqrt(s)


def _tanh_rest(s: Any) -> Any:
    root = mp.sqrt(s)
    return (mp.tanh(root) / root - 1) / s


def _scaled_erfc(t: Any) -> Any:
    a = mp.mpf(2.875) * (1 + t) / (1 - t)
    return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)


_LOG2_E = _f32(1 / mp.log(2))
_HALF_LN_2 = 0.3467  # a little more than ln 2 / 2: rounding to the nearest n is not exact at halves
_ERF_SLOPE = 2 / mp.sqrt(mp.pi)  # of erf at 0
_TINY = 1e-9  # functions of √s are not evaluated at 0 itself

FITS: dict[str, Fit] = {
    "EXP": _relative(mp.exp, degree=6, low=-_HALF_LN_2, high=_HALF_LN_2, leading=(1, 1)),
    "EXP_2": _relative(lambda x: mp.mpf(2) ** x, degree=6, low=-0.5, high=0.5, leading=(1,)),
    "EXPM1": _relative(lambda x: mp.expm1(x) / x, degree=5, low=-_HALF_LN_2, high=_HALF_LN_2, leading=(1,)),
    "EXP_TWICE": _relative(lambda x: mp.exp(2 * x), degree=6, low=-_HALF_LN_2 / 2, high=_HALF_LN_2 / 2, leading=(1, 2)),
    "TANH": Fit(_tanh_rest, lambda s: s / _of_root(mp.tanh)(s), degree=4, low=_TINY, high=0.31),
    "ERF": Fit(lambda s: _of_root(mp.erf)(s) - 1, lambda s: 1 / _of_root(mp.erf)(s), degree=5, low=_TINY, high=0.8465),
    "LOG_ERFC": Fit(
        lambda a: (-mp.log(mp.erfc(a)) / _ERF_SLOPE - a) / a**2,
        lambda a: _ERF_SLOPE * mp.erfc(a) * a * a / mp.erf(a),
        degree=7,
        low=1e-3,
        high=3.95,
    ),
    "ONE_LESS_EXP": Fit(
        lambda r: -mp.expm1(-_ERF_SLOPE * r) / r - 1,
        lambda r: r / -mp.expm1(-_ERF_SLOPE * r),
        degree=5,
        low=-0.3073,
        high=0.3072,
    ),
    "ERFC": _relative(_scaled_erfc, degree=10, low=-1, high=(10.1 - 2.875) / (10.1 + 2.875)),
    "LOG": _relative(lambda x: mp.log1p(x) / x, degree=9, low=-0.292895, high=0.414215, leading=(1, -0.5)),
    "LOG_2": Fit(
        # Less the rounding error of the first coefficient, for which the others cannot make good near 0.
        lambda x: mp.log1p(x) / x / mp.log(2) - (1 / mp.log(2) - _LOG2_E),
        lambda x: x * mp.log(2) / mp.log1p(x),
        degree=9,
        low=-0.292895,
        high=0.414215,
        leading=(_LOG2_E,),
    ),
    "LOG_2_DOUBLE": _relative(
        lambda x: mp.log1p(x) / x / mp.log(2), degree=11, low=-0.292895, high=0.414215, double=True
    ),
    "SIN": _relative(_of_root(mp.sin), degree=3, low=_TINY, high=0.62, leading=(1,)),
    "COS": _relative(lambda s: mp.cos(mp.sqrt(s)), degree=4, low=_TINY, high=0.62, leading=(1, -0.5)),
}
"""The fit of each table, by the name it has in the modules of the approximations."""


SEGMENT_DEGREE = 5
_CANDIDATES = 400


def segment(function: Function, apart: int, number: int) -> tuple[float, ...]:
    """Return the centre c and the coefficients of a segment of an odd function less `apart` times x - c: all f32.

    `kernels/approximations_segments.py` says what the segments are. The centre is about the middle: there is an f32
    near it where the function's value is nearly one, too, so that the rounding of the first coefficient costs nothing.
    """
    low, high = (mp.mpf(2) ** (k // 4 - 4) * (1 + mp.mpf(k % 4) / 4) for k in (number, number + 1))
    centre = mp.mpf(0)
    if number == 0:
        low = mp.mpf(10) ** -6  # errors are relative: 0 itself is none
    else:
        middle, step = (low + high) / 2, (high - low) / 64 / _CANDIDATES
        near = (mp.mpf(_f32(middle + i * step)) for i in range(-_CANDIDATES, _CANDIDATES + 1))
        centre = min(near, key=lambda c: abs(_f32(function(c)) / function(c) - 1))
    fit = Fit(
        lambda r: function(centre + r) - apart * r,
        lambda r: 1 / function(centre + r),
        SEGMENT_DEGREE,
        float(low - centre),
        float(high - centre),
        (_f32(function(centre)),),
    )
    return (float(centre), *fit.coefficients())


SEGMENTS: dict[str, tuple[Function, int, int]] = {"TANH": (mp.tanh, 0, 29), "ERF": (mp.erf, 1, 24)}
"""The odd functions with a table in `kernels/approximations_tables.py`, `apart`, and how many segments they have."""


if __name__ == "__main__":
    if sys.argv[1:] == ["segments"]:
        for name, (function, apart, count) in SEGMENTS.items():
            print(f"{name}: tuple[Segment, ...] = (")
            for number in range(count):
                print(f"    {segment(function, apart, number)!r},")
            print(")")
        raise SystemExit
    for name in sys.argv[1:] or FITS:
        table = FITS[name].coefficients()
        print(f"{name}: within 2^{float(mp.log(FITS[name].error(table), 2)):.1f}")
        for coefficient in table:
            print(f"    {coefficient!r},")
