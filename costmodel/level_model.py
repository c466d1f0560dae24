"""The model of one level of text: trees that correct an analytical estimate, their errors, and when to doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..target import Target
from .analytical import Analytical
from .blend import blend
from .columns import Columns, Matrix
from .conformal import half_widths
from .forest import Forest
from .labels import LABELS, MARGINS, Floats
from .machine import machine

MOST_OUTSIDE = 6
"""Features that may lie outside of what training saw before the model is unsure."""
JUDGED = ("vector_registers", "spills", "instructions", "cycles")
"""The labels whose expected errors decide about doubt."""


@dataclass(frozen=True)
class Support:
    """What training saw of each column."""

    low: Matrix
    """f32 [columns]"""
    high: Matrix
    """f32 [columns]"""

    def outside(self, matrix: Matrix) -> Matrix:
        """Return how many columns of each row lie outside, i64 [rows]."""
        return np.asarray(((matrix < self.low) | (matrix > self.high)).sum(axis=1))


@dataclass(frozen=True)
class Inputs:
    """Rows as the trees read them."""

    matrix: Matrix
    """f32 [rows, columns]"""
    margins: Floats
    """f64 [rows, labels]: the analytical estimates, on the scale of learning, 0 where the trees start from nothing."""
    estimates: Floats
    """f64 [rows, labels]: all analytical estimates, on the scale of learning, NaN for a label that has none."""


@dataclass(frozen=True)
class LevelModel:
    """Trees, spreads and intervals."""

    columns: Columns
    analytical: Analytical
    forest: Forest
    weights: Floats
    """How much the trees count beside the analytical estimate, f64 [labels]."""
    spread: Forest
    """Log of the expected distance between prediction and truth, on the scale of learning."""
    quantiles: Mapping[str, Mapping[str, float]]
    """By label and group: how many expected distances the half of a 90 % interval is."""
    usual: Floats
    """The median log distance of each label, f64 [labels]."""
    doubtful: float
    """The mean excess over it above which the model is unsure."""
    support: Support

    def inputs(self, rows: Sequence[Mapping[str, float]], targets: Sequence[Target]) -> Inputs:
        """Return features, those of the analytical model among them, as the trees read them."""
        return inputs(self.columns, self.analytical, rows, targets)

    def centres(self, found: Inputs) -> Floats:
        """Return predictions on the scale of learning, f64 [rows, labels]."""
        return blend(self.forest.predict(found.matrix) + found.margins, found.estimates, self.weights)

    def half_widths(self, spreads: Floats, groups: Sequence[str]) -> Floats:
        """Return half widths of 90 % intervals on the scale of learning, f64 [rows, labels]."""
        factors = [half_widths(dict(self.quantiles.get(label.name, {})), groups) for label in LABELS]
        return np.exp(spreads) * np.stack(factors, axis=1)

    def excess(self, spreads: Floats) -> Floats:
        """Return how much larger than usual the expected errors are: log of the mean ratio, f64 [rows]."""
        return excess(spreads, self.usual)


def inputs(
    columns: Columns, analytical: Analytical, rows: Sequence[Mapping[str, float]], targets: Sequence[Target]
) -> Inputs:
    """Return the matrix of rows with the analytical estimates in it, the margins and the estimates."""
    found = [with_estimates(row, analytical, target) for row, target in zip(rows, targets, strict=True)]
    margins = np.zeros((len(rows), len(LABELS)))
    estimates = np.full_like(margins, np.nan)
    for place, label in enumerate(LABELS):
        own = np.asarray([row.get(f"est.{label.name}", np.nan) for row in found], np.float64)
        estimates[:, place] = label.to_scale(own)
        if label.name in MARGINS:
            margins[:, place] = estimates[:, place]
    return Inputs(columns.matrix(found), margins, estimates)


def with_estimates(row: Mapping[str, float], analytical: Analytical, target: Target) -> dict[str, float]:
    """Return a row of features with the analytical estimates beside them."""
    return {**row, **{f"est.{name}": value for name, value in analytical.estimate(row, target).items()}}


def excess(spreads: Floats, usual: Floats) -> Floats:
    """Return the log of the mean over the judged labels of the expected error in usual ones, f64 [rows]."""
    places = [place for place, label in enumerate(LABELS) if label.name in JUDGED]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log(np.nanmean(np.exp(spreads[:, places] - usual[places]), axis=1)))


def group(target: Target) -> str:
    """Return the group of CPUs that has intervals of its own."""
    on = machine(target)
    return f"{on.isa} {on.bits}"
