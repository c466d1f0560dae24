"""What multiplications cost in energy, exact and with L-Mul: an estimate for adder hardware, never a measurement.

Energies are those of M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, for 45 nm and
0.9 V, as "Addition is All You Need for Energy-efficient Language Models" (arXiv 2410.00907) uses them; gate counts are
that paper's. A CPU shows none of the saving: its time and power go elsewhere.

Neither table has every type. Energies: bf16 counts as f16, f64 is extrapolated from f32 and i32. Gates of types that
the paper does not count lie on straight lines through what it does count, beyond its range too:

- a multiplier's on the line through e4m3 and f16 in the square of the significand's bits s, the number of cells of its
  array: 584 + (s^2 - 11^2) (584 - 325) / (11^2 - 4^2). It gives e5m2 308 gates, the paper 296.
- an L-Mul unit's on the line through 8 and 16 bits in the width w of its operands, as an adder grows:
  256 + (w - 16) (256 - 157) / (16 - 8). It gives 12 bits 206.5 gates, the paper 201.

As multipliers bf16 (443 gates) is thus interpolated, f32 (1706) and f64 (7214) are extrapolated; as L-Mul units f32
(454) and f64 (850) are. A unit is as wide as its type here; the mantissa bits that L-Mul drops would make it smaller.
"""

from __future__ import annotations

from typing import Final

from ..errors import ArgumentError

ADD_PJ: Final = {"i8": 0.03, "i16": 0.06, "i32": 0.1, "f16": 0.4, "f32": 0.9}
"""Picojoules of one addition. `i16` is the L-Mul paper's estimate, between the measured `i8` and `i32`."""

MULTIPLY_PJ: Final = {"i8": 0.2, "i32": 3.1, "f16": 1.1, "f32": 3.7}
"""Picojoules of one multiplication."""

FP8_MULTIPLY_PJ: Final = (0.25, 0.4)
"""The paper's range for one multiplication of 8-bit floats."""

MULTIPLY_GATES: Final = {"f16": 584, "f8E4M3": 325, "f8E5M2": 296}
"""Logic gates of a multiplier, by the paper."""

LMUL_GATES: Final = {16: 256, 12: 201, 8: 157}
"""Logic gates of an L-Mul unit, by the width of its operands."""

_WIDTHS: Final = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}
"""Bits of a type."""

TYPES: Final = tuple(_WIDTHS)
"""The types, by MLIR's name, that there are estimates of."""

_SIGNIFICANDS: Final = {"f8E4M3": 4, "f16": 11, "bf16": 8, "f32": 24, "f64": 53}
"""Bits of a significand, the leading one included."""

_F64_MULTIPLY_RATIO: Final = (53 / 24) ** 2
"""A multiplier's array grows with the square of the significand, 53 bits against 24."""

_F64_ADD_RATIO: Final = 64 / 32
"""An adder grows with its width."""


def multiply_energy(float_type: str, *, lmul: bool) -> float:
    """Return the estimated picojoules of one multiplication of f16, bf16, f32 or f64, exact or with L-Mul.

    L-Mul counts as one integer addition as wide as the type; the policy `ieee` adds comparisons that are not counted.
    """
    _check_type(float_type)
    if float_type == "f64":
        return ADD_PJ["i32"] * _F64_ADD_RATIO if lmul else MULTIPLY_PJ["f32"] * _F64_MULTIPLY_RATIO
    if lmul:
        return ADD_PJ["i32"] if float_type == "f32" else ADD_PJ["i16"]
    return MULTIPLY_PJ["f32"] if float_type == "f32" else MULTIPLY_PJ["f16"]


def add_energy(float_type: str) -> float:
    """Return the estimated picojoules of one float addition, the same with L-Mul: sums stay float."""
    _check_type(float_type)
    if float_type == "f64":
        return ADD_PJ["f32"] * _F64_ADD_RATIO
    return ADD_PJ["f32"] if float_type == "f32" else ADD_PJ["f16"]


def multiply_gates(float_type: str, *, lmul: bool) -> float:
    """Return the estimated logic gates of a multiplier of f16, bf16, f32 or f64, or of the L-Mul unit in its place.

    f16 is the paper's figure; the module's text says how the others follow.
    """
    _check_type(float_type)
    if lmul:
        slope = (LMUL_GATES[16] - LMUL_GATES[8]) / (16 - 8)
        return LMUL_GATES[16] + (_WIDTHS[float_type] - 16) * slope
    cells, known, small = (_SIGNIFICANDS[name] ** 2 for name in (float_type, "f16", "f8E4M3"))
    slope = (MULTIPLY_GATES["f16"] - MULTIPLY_GATES["f8E4M3"]) / (known - small)
    return MULTIPLY_GATES["f16"] + (cells - known) * slope


def estimate(multiplies: int, adds: int, float_type: str, lmul: bool) -> float:
    """Return the estimated picojoules of so many multiplications and additions on adder hardware.

    `lmul` says whether the multiplications are L-Mul's integer additions. For a contraction of M x K by K x N both
    counts are M N K. Raises ArgumentError for a negative count and for a type other than f16, bf16, f32 and f64.
    """
    for name, count in (("multiplies", multiplies), ("adds", adds)):
        if count < 0:
            raise ArgumentError(f"estimate: {name}: expected a count, found {count}")
    return multiplies * multiply_energy(float_type, lmul=lmul) + adds * add_energy(float_type)


def _check_type(float_type: str) -> None:
    if float_type not in TYPES:
        raise ArgumentError(f"energy: expected f16, bf16, f32 or f64, found {float_type!r}")
