"""What a model has to beat: the median, a line through the counts of operations, and what is computed without trees."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from .columns import Columns, Matrix
from .labels import LABELS, Floats
from .splits import Mask

_COUNTED = ("n.", "op.", "target.", "isa.", "operations", "statements")
"""Columns of the line: how often each class of operation stands in the text, and the CPU."""


def constant(truth: Floats, train: Mask, count: int) -> Floats:
    """Return the medians of the training rows for each of `count` judging rows, f64 [rows, labels].

    `truth` is on the scale of learning, [rows, labels]; NaN where no training row has a label.
    """
    with np.errstate(invalid="ignore"):
        known = [column[train & ~np.isnan(column)] for column in truth.T]
    return np.tile([np.median(column) if len(column) else np.nan for column in known], (count, 1))


def linear(columns: Columns, matrix: Matrix, truth: Floats, train: Mask, test: Mask) -> Floats:
    """Return what ridge regression on counts of operations and the target predicts for the judging rows."""
    counts = [place for place, name in enumerate(columns.names) if name.startswith(_COUNTED)]
    scaler = StandardScaler().fit(matrix[train][:, counts])
    found = np.full((int(test.sum()), len(LABELS)), np.nan)
    judged = scaler.transform(matrix[test][:, counts])
    for place in range(len(LABELS)):
        known = train & ~np.isnan(truth[:, place])
        if known.any():
            line = Ridge(alpha=1.0).fit(scaler.transform(matrix[known][:, counts]), truth[known, place])
            found[:, place] = np.clip(line.predict(judged), truth[known, place].min(), truth[known, place].max())
    return found
