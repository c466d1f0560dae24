"""From labelled rows to a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..target import Target
from .boosted import Parameters, train
from .columns import Columns, Matrix
from .conformal import quantiles
from .features import text_features
from .labels import LABELS, Floats
from .splits import Mask, Split
from .tree_model import Support, TreeModel, group

COVERAGE = 0.9


@dataclass(frozen=True)
class Examples:
    """Labelled rows as features and truths."""

    rows: Sequence[Mapping[str, Any]]
    features: Sequence[Mapping[str, float]]
    truths: Mapping[str, Floats]
    """f64 [rows] by label, NaN where a row lacks it."""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], say: Callable[[int], None] = lambda _: None) -> Examples:
        """Compute the features of rows of a corpus; `say` is told how many are done."""
        targets = {name: Target.named(name) for name in {row["target"] for row in rows}}
        features = []
        for number, row in enumerate(rows):
            features.append(text_features(row["text"], targets[row["target"]]))
            say(number + 1)
        truths = {label.name: _column(rows, label.name) for label in LABELS}
        return cls(rows, features, truths)

    def features_where(self, mask: Mask) -> list[Mapping[str, float]]:
        """Return the features of the rows of a mask."""
        return [row for row, is_chosen in zip(self.features, mask, strict=True) if is_chosen]

    def where(self, mask: Mask) -> dict[str, Floats]:
        """Return the truths of the rows of a mask."""
        return {name: values[mask] for name, values in self.truths.items()}


def train_model(
    examples: Examples, found: Split, parameters: Parameters, record: Mapping[str, object]
) -> tuple[TreeModel, Matrix]:
    """Train on a split's rows and calibrate intervals; return the model and the matrix of all rows."""
    columns = Columns.choose(examples.features_where(found.train))
    matrix = columns.matrix(examples.features)
    forest = train(matrix[found.train], examples.where(found.train), _part(matrix, examples, found.valid), parameters)
    groups = [group(row) for row in examples.features_where(found.calibration)]
    predicted = forest.predict(matrix[found.calibration])
    widths = {}
    for place, label in enumerate(LABELS):
        truth = examples.truths[label.name][found.calibration]
        known = ~np.isnan(truth)
        if not known.any():
            continue
        distances = np.abs(predicted[known, place] - label.to_scale(truth[known]))
        own = [name for name, is_known in zip(groups, known, strict=True) if is_known]
        widths[label.name] = quantiles(distances, own, COVERAGE)
    seen = matrix[found.train]
    support = Support(seen.min(axis=0), seen.max(axis=0))
    return TreeModel(columns, forest, widths, support, record), matrix


def _part(matrix: Matrix, examples: Examples, mask: Mask) -> tuple[Matrix, dict[str, Floats]]:
    return matrix[mask], examples.where(mask)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.asarray([np.nan if row[name] is None else row[name] for row in rows], np.float64)
