"""The 55 calculators of MedCalc-Bench as graphs, each on a batch of patients made up at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .graph import Graph, number

if TYPE_CHECKING:
    from .graph import Built

BATCH: Final = 1_000_000
SMALL_BATCH: Final = 61

NAMES: Final = {
    2: "cockcroft-gault",
    3: "ckd-epi",
    4: "cha2ds2-vasc",
    5: "mean-arterial-pressure",
    6: "body-mass-index",
    7: "calcium-correction",
    8: "wells-pulmonary-embolism",
    9: "mdrd",
    10: "ideal-weight",
    11: "qtc-bazett",
    13: "due-date",
    15: "child-pugh",
    16: "wells-thrombosis",
    17: "cardiac-risk-index",
    18: "heart-score",
    19: "fib-4",
    20: "centor",
    21: "glasgow-coma",
    22: "maintenance-fluids",
    23: "meld-na",
    24: "steroid-conversion",
    25: "has-bled",
    26: "sodium-correction",
    27: "glasgow-blatchford",
    28: "apache-ii",
    29: "pneumonia-severity-index",
    30: "serum-osmolality",
    31: "homa-ir",
    32: "charlson",
    33: "feverpain",
    36: "caprini",
    38: "free-water-deficit",
    39: "anion-gap",
    40: "sodium-excretion",
    43: "sofa",
    44: "ldl",
    45: "curb-65",
    46: "framingham-risk",
    48: "perc",
    49: "morphine-equivalents",
    51: "sirs",
    56: "qtc-fridericia",
    57: "qtc-framingham",
    58: "qtc-hodges",
    59: "qtc-rautaharju",
    60: "body-surface-area",
    61: "target-weight",
    62: "adjusted-weight",
    63: "delta-gap",
    64: "delta-ratio",
    65: "albumin-corrected-anion-gap",
    66: "albumin-corrected-delta-gap",
    67: "albumin-corrected-delta-ratio",
    68: "conception-date",
    69: "gestational-age",
}
"""By the data set's `Calculator ID`. Here, not in the calculators, so that listing them does not import torch."""
_DECIMAL: Final = frozenset(
    (2, 3, 5, 6, 7, 8, 9, 10, 11, 19, 22, 23, 24, 26, 30, 31, 38, 39, 40, 44, 46, 49, *range(56, 68))
)
"""Those whose results are no whole numbers; all others must be exactly right."""


def medcalc(identifier: int, batch: int) -> Graph:
    """Return a calculator on `batch` patients: f32 or int64 columns [batch] -> f32 [batch] (dates int64)."""
    name = NAMES[identifier]
    return Graph(
        name=f"medcalc-{name}",
        family="medcalc",
        what=f"calculator {identifier} of MedCalc-Bench, {name.replace('-', ' ')}: {batch} patients made up at random",
        build=lambda: _build(identifier, batch),
        flops=None,
        bytes=None,
        tolerance=1e-5 if identifier in _DECIMAL else 0.0,
        sizes={"batch": batch},
        small_sizes={"batch": SMALL_BATCH},
        make=lambda sizes: medcalc(identifier, number(sizes, "batch")),
        tags=("decimal" if identifier in _DECIMAL else "whole-numbers",),
        source=f"Khandekar et al., MedCalc-Bench (arXiv 2406.12036), Calculator ID {identifier}; "
        "`slipstick-medcalc list` cites where the formula was published",
    )


def _build(identifier: int, batch: int) -> Built:
    from .medcalc.patients import patients
    from .medcalc.registry import calculator

    found = calculator(identifier)
    return found.module().eval(), patients(found, batch)


MEDCALC: tuple[Graph, ...] = tuple(medcalc(identifier, BATCH) for identifier in NAMES)
