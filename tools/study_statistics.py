"""Statistics of studies: agreement of rankings, intervals by resampling the sentences, medians with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

RESAMPLES: Final = 10_000
LEVEL: Final = 0.95
_SEED: Final = 2410_00907


@dataclass(frozen=True)
class Estimate:
    """A mean over the sentences, and its interval of 95 %."""

    mean: float
    low: float
    high: float

    def text(self, form: str, factor: float = 1.0) -> str:
        """Return mean and interval, each times `factor` in a format such as ".2e": "mean [low, high]"."""
        mean, low, high = (format(value * factor, form) for value in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"

    def short(self, form: str, spread: str, factor: float = 1.0) -> str:
        """Return the mean and half the width of the interval, each times `factor` in a format of its own."""
        return f"{self.mean * factor:{form}} ±{(self.high - self.low) / 2 * factor:{spread}}"


@dataclass(frozen=True)
class Median:
    """A median and its interval of 95 %, from ranks, whatever the distribution is."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Median:
        """Return the median of at least one value: the ranks are those of the normal approximation of a binomial."""
        ranked = sorted(values)
        count = len(ranked)
        reach = NormalDist().inv_cdf((1 + LEVEL) / 2) * count**0.5 / 2
        low, high = max(0, int(count / 2 - reach)), min(count - 1, int(count / 2 + reach))
        return cls(median(ranked), ranked[low], ranked[high])


class Bootstrap:
    """Percentile intervals of means over `count` sentences, which are drawn anew with replacement.

    The draws are the same for whatever is estimated with one object, and for all objects of the same `count`: the
    interval of a difference of two configurations, given as the mean of the sentences' differences, is a paired one.
    (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.)
    """

    def __init__(self, count: int):
        generator = np.random.default_rng(_SEED)
        self._weights: Array = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count

    def mean(self, values: Array) -> Estimate:
        """Return the mean of values, one a sentence, with its interval."""
        low, high = np.quantile(self._weights @ values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Estimate(float(values.mean()), float(low), float(high))

    def share(self, hits: Array) -> Estimate:
        """Return the share of true values with its interval.

        Where all are true, or none, every draw gives the same share. The interval then ends where the exact one for a
        binomial share does (Clopper and Pearson, 1934): at ((1 - 0.95) / 2)^(1 / count), or 1 less that.
        """
        estimate = self.mean(hits.astype(np.float64))
        end = ((1 - LEVEL) / 2) ** (1 / len(hits))
        if hits.all():
            return Estimate(1.0, end, 1.0)
        if not hits.any():
            return Estimate(0.0, 0.0, 1 - end)
        return estimate


def rank_agreement(found: Array, expected: Array) -> Array:
    """Return, for each sentence, how its ranking of the others by similarity agrees with the expected ranking.

    `found` and `expected` are similarities, float64 [sentences, sentences]; the result, float64 [sentences], is
    Kendall's tau-b: of all pairs of other sentences, those in the same order less those in the other order, in
    proportion; pairs that are tied count in neither. 1: the same ranking, 0: unrelated. A sentence whose ranking is one
    tie gets 1 where the other ranking is one tie too, else 0.
    """
    count = len(expected)
    taus = np.empty(count)
    for row in range(count):
        others = np.arange(count) != row
        taus[row] = _tau(found[row, others], expected[row, others])
    return taus


def _tau(x: Array, y: Array) -> float:
    order_x, order_y = (np.sign(values[:, None] - values[None, :]) for values in (x, y))
    untied = float(np.sqrt((order_x**2).sum() * (order_y**2).sum()))
    if untied == 0:
        return float(not order_x.any() and not order_y.any())
    return float((order_x * order_y).sum()) / untied
