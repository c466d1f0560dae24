"""What a model has to beat: the mean, and a line through the counts of operations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from .columns import Columns, Matrix
from .labels import LABELS, Floats
from .splits import Mask


def constant(truths: Mapping[str, Floats], train: Mask, count: int) -> dict[str, Floats]:
    """Return the median of the training rows for each of `count` judging rows, in units, by label; NaN without rows."""
    found = {}
    for label in LABELS:
        known = truths[label.name][train & ~np.isnan(truths[label.name])]
        found[label.name] = np.full(count, np.median(known) if len(known) else np.nan)
    return found


def linear(
    columns: Columns, matrix: Matrix, truths: Mapping[str, Floats], train: Mask, test: Mask
) -> dict[str, Floats]:
    """Return what ridge regression on counts of operations and the target predicts for the judging rows, in units."""
    counts = [n for n, name in enumerate(columns.names) if name.startswith(("op.", "target.", "operations", "graph"))]
    scaler = StandardScaler().fit(matrix[train][:, counts])
    found = {}
    for label in LABELS:
        truth = truths[label.name]
        known = train & ~np.isnan(truth)
        if not known.any():
            found[label.name] = np.full(int(test.sum()), np.nan)
            continue
        line = Ridge(alpha=1.0).fit(scaler.transform(matrix[known][:, counts]), label.to_scale(truth[known]))
        values = label.from_scale(np.asarray(line.predict(scaler.transform(matrix[test][:, counts])), np.float64))
        found[label.name] = np.round(values) if label.is_count else values
    return found
