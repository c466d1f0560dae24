"""Units of measurement as MedCalc-Bench writes them, and conversions between them.

A concentration may be given by mass, amount of substance or charge; converting between these takes the substance's
molar mass and charge. Molar masses are sums of the standard atomic weights of IUPAC 2021 (Prohaska et al., Pure and
Applied Chemistry 94, 2022), but for those cited at their constant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...errors import ArgumentError
from .shown import shown


@dataclass(frozen=True)
class Substance:
    """What is dissolved."""

    name: str
    molar_mass: float
    """g/mol."""
    charge: int | None = None
    """Elementary charges of the ion, for mEq; `None` where none is meant."""


ALBUMIN: Final = Substance("albumin", 66_500.0)
"""66.5 kDa: Peters, "All About Albumin", 1996."""
BICARBONATE: Final = Substance("bicarbonate", 61.017, 1)
BILIRUBIN: Final = Substance("bilirubin", 584.67)
CALCIUM: Final = Substance("calcium", 40.078, 2)
CHLORIDE: Final = Substance("chloride", 35.45, 1)
CHOLESTEROL: Final = Substance("cholesterol", 386.66)
CREATININE: Final = Substance("creatinine", 113.12)
GLUCOSE: Final = Substance("glucose", 180.16)
POTASSIUM: Final = Substance("potassium", 39.098, 1)
SODIUM: Final = Substance("sodium", 22.990, 1)
TRIGLYCERIDES: Final = Substance("triglycerides", 885.4)
"""Triolein, by convention: 88.57 mg/dL to 1 mmol/L (National Cholesterol Education Program, Circulation 106, 2002)."""
UREA_NITROGEN: Final = Substance("urea nitrogen", 28.014)
"""The two nitrogen atoms of one urea molecule: a mole of urea holds 28 g of nitrogen."""

_GRAMS: Final = {"kg": 1e3, "g": 1.0, "mg": 1e-3, "µg": 1e-6, "mcg": 1e-6, "ng": 1e-9, "pg": 1e-12}
_MOLES: Final = {"mol": 1.0, "mmol": 1e-3, "µmol": 1e-6, "umol": 1e-6, "nmol": 1e-9, "pmol": 1e-12}
_EQUIVALENTS: Final = {"eq": 1.0, "meq": 1e-3, "µeq": 1e-6}
_INTERNATIONAL: Final = {"u": 1.0, "iu": 1.0, "miu": 1e-3, "mu": 1e-3, "µiu": 1e-6, "µu": 1e-6, "uiu": 1e-6}
_LITRES: Final = {"l": 1.0, "dl": 1e-1, "ml": 1e-3, "cm^3": 1e-3, "µl": 1e-6, "ul": 1e-6, "mm^3": 1e-6}

_SIMPLE: Final[dict[str, dict[str, float]]] = {
    "age": {"years": 1.0, "months": 1 / 12, "weeks": 7 / 365.25, "days": 1 / 365.25},
    "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "in": 0.0254, "ft": 0.3048},
    "mass": {**_GRAMS, "lb": 453.59237, "lbs": 453.59237, "oz": 28.349523125},
    "pressure": {"mm hg": 1.0, "kpa": 7.500616827, "cm h2o": 0.7355591},
    "rate": {"per minute": 1.0, "beats per minute": 1.0, "bpm": 1.0, "breaths per minute": 1.0, "beats/min": 1.0},
    "share": {"%": 1.0},
    "interval": {"msec": 1.0, "ms": 1.0, "sec": 1e3, "s": 1e3},
    "body mass index": {"kg/m^2": 1.0, "kg/m²": 1.0},
    "infusion": {"mcg/kg/min": 1.0, "µg/kg/min": 1.0, "mg/kg/min": 1e3},
    "urine output": {"ml/day": 1.0, "ml/24 hr": 1.0, "l/day": 1e3},
    "frequency": {"per day": 1.0},
    "release": {"mcg/h": 1.0, "µg/h": 1.0, "mcg/hr": 1.0, "µg/hr": 1.0},
    # The data set writes "m^3" where it compares with the limits of a count in mm^3, so that is what it means.
    "count": {**{unit: 1e-6 / litres for unit, litres in _LITRES.items()}, "m^3": 1.0},
}
"""By dimension, each unit's size in the unit of size 1."""

_CELSIUS: Final = frozenset({"degrees celsius", "degrees celsisus", "degrees celcius", "celsius", "°c", "c"})
_FAHRENHEIT: Final = frozenset(
    {"degrees fahrenheit", "degrees fahreinheit", "degrees farenheit", "fahrenheit", "°f", "f"}
)
_SPELLINGS: Final = {
    "mmhg": "mm hg",
    "kilograms": "kg",
    "grams": "g",
    "pounds": "lbs",
    "year": "years",
    "month": "months",
    "week": "weeks",
    "day": "days",
    "inches": "in",
    "feet": "ft",
    "meters": "m",
    "centimeters": "cm",
}


def convert(value: float, unit: str, target: str, substance: Substance | None = None) -> float:
    """Return `value`, given in `unit`, in the unit `target`.

    Upper and lower case, spaces around the unit and the two characters for micro are not told apart. A count of cells
    is given by the volume alone ("µL"). Raises ArgumentError for a unit that is unknown or measures something else than
    `target` does.
    """
    source, wanted = _normal(unit), _normal(target)
    if source == wanted:
        return value
    if wanted in _CELSIUS:
        if source in _CELSIUS:
            return value
        if source in _FAHRENHEIT:
            return (value - 32) * 5 / 9
        raise _unknown(unit, sorted(_CELSIUS | _FAHRENHEIT))
    for sizes in _SIMPLE.values():
        if wanted in sizes:
            if source not in sizes:
                raise _unknown(unit, list(sizes))
            return value * sizes[source] / sizes[wanted]
    if "/" not in wanted:
        raise ArgumentError(f"target: expected a known unit, found {shown(target)}")
    return value * _concentration(unit, substance, target) / _concentration(target, substance, target)


def convert_sum(parts: Sequence[object], target: str, substance: Substance | None = None) -> float:
    """Return the sum of values that are each followed by their unit, as in `[5, "ft", 4, "in"]`.

    Raises ArgumentError for another form, a number that is no finite number, and as `convert` does.
    """
    if len(parts) == 0 or len(parts) % 2:
        raise ArgumentError(f"expected [number, unit, ...], found {shown(list(parts))}")
    total = 0.0
    for value, unit in zip(parts[::2], parts[1::2], strict=True):
        if not isinstance(unit, str):
            raise ArgumentError(f"expected a unit in text behind each number, found {shown(unit)}")
        total += convert(number(value), unit, target, substance)
    return number(total)


_GREATEST: Final = (2 - 2.0**-23) * 2.0**127
"""Of f32."""


def number(value: object) -> float:
    """Return a number that f32 holds as a float. Raises ArgumentError for anything else, a boolean or text too."""
    # The comparison is false for NaN, and asks no integer to become a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _GREATEST:
        raise ArgumentError(f"expected a finite number, found {shown(value)}")
    return float(value)


def _concentration(unit: str, substance: Substance | None, target: str) -> float:
    """Return the size of a unit of concentration: in mol/L where the substance is known, else in g/L or U/L."""
    amount, _, volume = _normal(unit).partition("/")
    size = _amount(amount, substance, international=_normal(target).partition("/")[0] in _INTERNATIONAL)
    if size is None or volume not in _LITRES:
        raise _unknown(unit, [target, *_like(substance)])
    return size / _LITRES[volume]


def _amount(unit: str, substance: Substance | None, *, international: bool) -> float | None:
    if international:
        return _INTERNATIONAL.get(unit)
    if substance is None:
        return _GRAMS.get(unit)
    if unit in _GRAMS:
        return _GRAMS[unit] / substance.molar_mass
    if unit in _EQUIVALENTS and substance.charge is not None:
        return _EQUIVALENTS[unit] / substance.charge
    return _MOLES.get(unit)


def _like(substance: Substance | None) -> list[str]:
    if substance is None:
        return []
    return ["mg/dL", "mmol/L", *(["mEq/L"] if substance.charge is not None else [])]


def _normal(unit: str) -> str:
    found = " ".join(unit.strip().lower().replace("μ", "µ").split())
    return _SPELLINGS.get(found, found)


def _unknown(unit: str, known: list[str]) -> ArgumentError:
    return ArgumentError(f"unknown unit {shown(unit)}; expected one of {', '.join(dict.fromkeys(known))}")
