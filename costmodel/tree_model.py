"""The released model: trees over features, intervals around them, and when not to believe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..target import Target
from .columns import Columns, Matrix
from .conformal import half_widths
from .features import text_features
from .forest import Forest
from .labels import LABELS, Floats, Label
from .predictor import Predicted, Prediction

MOST_OUTSIDE = 3
"""Features that may lie outside of what training saw before the model is unsure."""


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
class TreeModel:
    """A `Predictor`."""

    columns: Columns
    forest: Forest
    quantiles: Mapping[str, dict[str, float]]
    """By label and group: half widths of 90 % intervals on the scale of learning."""
    support: Support
    record: Mapping[str, object]
    """How it was trained: corpus, rows, seeds, versions, hyper-parameters."""

    def predict(self, texts: Sequence[str], target: Target) -> list[Predicted]:
        """Return what is predicted of each text for the CPU."""
        rows = [text_features(text, target) for text in texts]
        return self.predict_features(rows, [group(row) for row in rows])

    def predict_features(self, rows: Sequence[Mapping[str, float]], groups: Sequence[str]) -> list[Predicted]:
        """Return what is predicted of rows of features: the labels that the corpus had."""
        if not rows:
            return []
        matrix = self.columns.matrix(rows)
        centres = self.forest.predict(matrix)
        intervals = {label.name: self._interval(label, centres[:, place], groups) for place, label in enumerate(LABELS)}
        outside = self.support.outside(matrix)
        return [
            Predicted(
                {
                    label.name: _one(intervals[label.name], number, label.unit)
                    for label in LABELS
                    if label.name in intervals
                },
                self._doubts(row, int(outside[number])),
            )
            for number, row in enumerate(rows)
        ]

    def _interval(self, label: Label, centre: Floats, groups: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        half = half_widths(self.quantiles.get(label.name, {}), groups)
        value, low, high = (label.from_scale(centre + shift) for shift in (0.0, -half, half))
        return (np.round(value), np.floor(low), np.ceil(high)) if label.is_count else (value, low, high)

    def _doubts(self, row: Mapping[str, float], outside: int) -> tuple[str, ...]:
        doubts = [f"operation {name.removeprefix('op.')} was not seen" for name in self.columns.unknown(row)]
        if outside > MOST_OUTSIDE:
            doubts.append(f"{outside} features lie outside of what was seen")
        return tuple(doubts)


def _one(interval: tuple[Floats, Floats, Floats], number: int, unit: str) -> Prediction:
    value, low, high = (float(bound[number]) for bound in interval)
    return Prediction(value, low, high, unit)


def group(row: Mapping[str, float]) -> str:
    """Return the group of a row that has intervals of its own: level of the text and kind of CPU."""
    level = "graph" if row.get("graph") else "loops"
    return f"{level} {int(row['target.vector_bits'])}x{int(row['target.vector_registers'])}"
