"""Numbers as words: few enough for a vocabulary, precise enough for a tile size, never unknown.

An integer up to 64 is a word of its own. A larger one is two words: its magnitude to an eighth of a power of two, and
the power of two that divides it, which decides about tails and alignment: 768 is `⟨2^9.4⟩ ⟨*2^8⟩`. A float is its power
of two. The angle brackets keep words of numbers apart from all other words.
"""

from __future__ import annotations

import math

EXACT = 64
"""Integers up to this are words of their own."""
_STEPS = 8
_LARGEST = 63
_FLOAT_POWERS = range(-64, 65)


def integer_words(value: int) -> list[str]:
    """Return the words of an integer, e.g. `["⟨48⟩"]`, `["⟨-⟩", "⟨2^9.4⟩", "⟨*2^8⟩"]` for -768."""
    sign = ["⟨-⟩"] if value < 0 else []
    size = abs(value)
    if size <= EXACT:
        return [*sign, f"⟨{size}⟩"]
    power = size.bit_length() - 1
    step = ((size - (1 << power)) * _STEPS) >> power
    twos = (size & -size).bit_length() - 1
    return [*sign, f"⟨2^{min(power, _LARGEST)}.{step}⟩", f"⟨*2^{min(twos, _LARGEST)}⟩"]


def float_words(value: float) -> list[str]:
    """Return the words of a float: sign where negative, then zero, its power of two (2^-64 to 2^64), `inf` or `nan`."""
    sign = ["⟨-⟩"] if math.copysign(1.0, value) < 0 and not math.isnan(value) else []
    if value == 0:
        return [*sign, "⟨0.0⟩"]
    if not math.isfinite(value):
        return [*sign, "⟨nan⟩" if math.isnan(value) else "⟨inf⟩"]
    power = math.frexp(value)[1] - 1
    return [*sign, f"⟨f2^{min(max(power, _FLOAT_POWERS[0]), _FLOAT_POWERS[-1])}⟩"]


def vocabulary() -> list[str]:
    """Return every word that a number can become: a fixed list, the head of each tokeniser's vocabulary."""
    magnitudes = [f"⟨2^{power}.{step}⟩" for power in range(6, _LARGEST + 1) for step in range(_STEPS)]
    twos = [f"⟨*2^{power}⟩" for power in range(_LARGEST + 1)]
    floats = [f"⟨f2^{power}⟩" for power in _FLOAT_POWERS]
    return [
        "⟨-⟩",
        *(f"⟨{value}⟩" for value in range(EXACT + 1)),
        *magnitudes,
        *twos,
        "⟨0.0⟩",
        "⟨inf⟩",
        "⟨nan⟩",
        *floats,
    ]
