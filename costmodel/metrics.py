"""How far predictions are from the truth: the figures of a table's row."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .labels import Floats, Label


@dataclass(frozen=True)
class Metrics:
    """Of one quantity on judging rows; shares are 0 to 1, nan where they have no meaning."""

    rows: int
    rmse_of_range: float
    """Root of the mean square error divided by the range of the truth, as in arXiv 2302.11405."""
    rmse_of_mean: float
    mape: float
    """Mean absolute error as a share of the truth, which is taken to be 1 at least."""
    within_one: float
    exact: float
    f1_some: float
    """F1 of telling some from none."""
    spearman: float
    coverage: float
    """Share of rows whose truth lies in the interval."""
    width: float
    """The median interval's size as a share of the range of the truth."""
    within_kernel: float
    """Mean Spearman over kernels with three schedules or more."""
    pairs: float
    """Share of pairs of schedules of one kernel that are put in the right order; equal ones do not count."""


def measure(
    label: Label, predicted: Floats, truth: Floats, low: Floats, high: Floats, kernels: Sequence[Hashable] | None = None
) -> Metrics:
    """Compare predictions with truths, in units, f64 [rows] each; rows without a truth (NaN) do not count.

    `kernels` says what kernel each row is a schedule of.
    """
    known = ~(np.isnan(truth) | np.isnan(predicted))
    named = [kernels[place] for place in np.flatnonzero(known).tolist()] if kernels is not None else []
    predicted, truth, low, high = predicted[known], truth[known], low[known], high[known]
    if not len(truth):
        return Metrics(0, *[float("nan")] * 11)
    within, pairs = _within(predicted, truth, named)
    error = predicted - truth
    rmse = float(np.sqrt(np.mean(error**2)))
    spread = float(truth.max() - truth.min())
    ranks = float(stats.spearmanr(predicted, truth).statistic) if np.ptp(predicted) and spread else float("nan")
    return Metrics(
        rows=len(truth),
        rmse_of_range=rmse / spread if spread else float("nan"),
        rmse_of_mean=rmse / float(truth.mean()) if truth.mean() else float("nan"),
        mape=float(np.mean(np.abs(error) / np.maximum(1.0 if label.is_count else 1e-9, truth))),
        within_one=float(np.mean(np.abs(error) <= 1)),
        exact=float(np.mean(error == 0)) if label.is_count else float("nan"),
        f1_some=_f1(predicted > 0, truth > 0),
        spearman=ranks,
        coverage=float(np.mean((truth >= low) & (truth <= high))) if np.isfinite(low).any() else float("nan"),
        width=float(np.median(high - low)) / spread if spread else float("nan"),
        within_kernel=within,
        pairs=pairs,
    )


def _within(predicted: Floats, truth: Floats, kernels: Sequence[Hashable]) -> tuple[float, float]:
    """Return the mean Spearman within kernels, and the share of their pairs that are in the right order."""
    places: dict[Hashable, list[int]] = {}
    for place, kernel in enumerate(kernels):
        places.setdefault(kernel, []).append(place)
    ranks, right, count = [], 0.0, 0
    for own in places.values():
        if len(own) < 2:
            continue
        found, real = predicted[own], truth[own]
        first, second = np.triu_indices(len(own), 1)
        signs = np.sign(real[second] - real[first])
        guessed = np.sign(found[second] - found[first])
        # A pair that is predicted to be equal is right half of the time.
        right += float(np.sum((signs != 0) * (1 + signs * guessed) / 2))
        count += int(np.sum(signs != 0))
        if len(own) >= 3 and np.ptp(real) and np.ptp(found):
            ranks.append(float(stats.spearmanr(found, real).statistic))
    return float(np.mean(ranks)) if ranks else float("nan"), right / count if count else float("nan")


def _f1(predicted: np.ndarray, truth: np.ndarray) -> float:
    both = float(np.sum(predicted & truth))
    return 2 * both / float(np.sum(predicted) + np.sum(truth)) if np.any(predicted | truth) else float("nan")
