"""How far trees may correct the analytical estimate: a weight for each label, chosen on held-out families."""

from __future__ import annotations

import numpy as np

from .labels import LABELS, MARGINS, Floats, Label
from .splits import Mask

WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of the trees; the rest is the estimate's."""
_FEWEST = 16
"""Different values that an estimate must have: a constant for each instruction set would only spoil the order."""


def blend(trees: Floats, estimates: Floats, weights: Floats) -> Floats:
    """Return weighted means, f64 [rows, labels], of predictions on the scale of learning.

    `weights`: f64 [labels]. Estimates may be NaN where the weight is 1.
    """
    return np.where(weights == 1.0, trees, weights * trees + (1.0 - weights) * estimates)


def choose(trees: Floats, estimates: Floats, truth: Floats, rows: Mask) -> Floats:
    """Return the weight of each label with the least `_loss` on the chosen rows, f64 [labels].

    All on the scale of learning, [rows, labels], NaN where there is none; the trees must not have seen these rows.
    Where the trees do not start from an estimate, it is the same for most rows, or there is no truth, the weight is 1.
    """
    found = np.ones(len(LABELS))
    for place, label in enumerate(LABELS):
        known = rows & np.isfinite(trees[:, place] + estimates[:, place] + truth[:, place])
        if label.name in MARGINS and len(np.unique(estimates[known, place])) >= _FEWEST:
            own, computed, wanted = (values[known, place] for values in (trees, estimates, truth))
            losses = [_loss(label, weight * own + (1.0 - weight) * computed, wanted) for weight in WEIGHTS]
            found[place] = WEIGHTS[int(np.argmin(losses))]
    return found


def _loss(label: Label, predicted: Floats, truth: Floats) -> float:
    """Return the mean error on the scale of learning times the mean relative error.

    The first alone would buy a better typical row with wild overestimates of a few; the second alone would prefer what
    is too small everywhere.
    """
    wanted = label.from_scale(truth)
    relative = np.abs(label.from_scale(predicted) - wanted) / np.maximum(wanted, 1.0)
    return float(np.mean(np.abs(predicted - truth)) * np.mean(relative))
