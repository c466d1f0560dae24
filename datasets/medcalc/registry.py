"""All 55 calculators by the data set's `Calculator ID`."""

from __future__ import annotations

from typing import Final

from ...errors import ArgumentError
from . import (
    body,
    dates,
    dosage,
    electrolytes,
    metabolic,
    qt,
    renal,
    scores_caprini,
    scores_critical,
    scores_digestive,
    scores_heart,
    scores_infection,
    scores_thrombosis,
)
from .calculator import Calculator

_ROOMS: Final = (
    renal,
    electrolytes,
    metabolic,
    body,
    qt,
    dates,
    dosage,
    scores_heart,
    scores_thrombosis,
    scores_caprini,
    scores_infection,
    scores_critical,
    scores_digestive,
)

CALCULATORS: Final[dict[int, Calculator]] = {
    found.number: found for found in sorted((c for room in _ROOMS for c in room.CALCULATORS), key=lambda c: c.number)
}


def calculator(number: int) -> Calculator:
    """Return the calculator with an id of the data set. Raises ArgumentError for an id that no calculator has."""
    found = CALCULATORS.get(number)
    if found is None:
        raise ArgumentError(f"calculator: expected one of {', '.join(map(str, CALCULATORS))}, found {number!r}")
    return found
