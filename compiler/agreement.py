"""How well predicted and measured times agree, and how well two measuring rounds do: what no model can exceed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..costmodel.labels import Floats
from .decision_table import DecisionTable
from .ranking import Ranking
from .trials import tried

LEAST = 6
"""Candidates with times below which ranks inside a nest say nothing."""
FIRST = 5
"""Candidates that are measured where a few are."""


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlations: means over nests inside them, one over all candidates across nests."""

    nests: int
    within: float
    """Predicted and measured times of a nest's candidates."""
    across: float
    """Predicted and measured seconds of all candidates."""
    again: int
    """Nests with a second round."""
    within_again: float
    """Predicted times and those of both rounds together, for the nests that have two."""
    ceiling: float
    """The two rounds of one nest with each other: what a second measurement would reach as a model."""
    error: float
    """Median distance of the two rounds' logs of relative time."""
    shares: dict[str, tuple[float, float]]
    """Geometric mean and worst, in the second round, of the first one's optimum: by who chose.

    The best of many measurements is in part the luckiest; judged by other measurements than it was chosen by, it is
    no better than it is.
    """


def agreement(tables: Sequence[DecisionTable], rankings: Sequence[Ranking]) -> Agreement:
    """Compare the predictions for tables with their times."""
    within, within_again, ceilings, errors = [], [], [], []
    shares: dict[str, list[float]] = {"heuristic": [], "model": [], f"model, {FIRST} measured": []}
    shares["model, a tenth measured"] = []
    seconds: list[Floats] = []
    for table, ranking in zip(tables, rankings, strict=True):
        first, second = (_times(table, name) for name in ("relative", "again"))
        known = ~np.isnan(first)
        if known.sum() >= LEAST:
            within.append(_correlation(ranking.gains[known], first[known]))
        if table.heuristic.seconds:
            measured = np.log(first[known] * table.heuristic.seconds)
            seconds.append(np.stack([ranking.seconds[known], measured]))
        both = known & ~np.isnan(second)
        if both.sum() >= LEAST and both[0]:
            second = second / second[0]
            ceilings.append(_correlation(first[both], second[both]))
            within_again.append(_correlation(ranking.gains[both], np.log(first[both]) + np.log(second[both])))
            errors.append(np.abs(np.log(first[both] / second[both])[1:]))
            _add_shares(shares, table, ranking, np.where(both, first, np.inf), second)
    across = np.concatenate(seconds, axis=1) if seconds else np.zeros((2, 0))
    return Agreement(
        len(within),
        _mean(within),
        _correlation(across[0], across[1]) if across.shape[1] else math.nan,
        len(ceilings),
        _mean(within_again),
        _mean(ceilings),
        float(np.median(np.concatenate(errors))) if errors else math.nan,
        {who: (math.exp(_mean([math.log(one) for one in own])), min(own)) for who, own in shares.items() if own},
    )


def _add_shares(
    shares: dict[str, list[float]], table: DecisionTable, ranking: Ranking, first: Floats, second: Floats
) -> None:
    """Add what a nest's choices reach in the second round, of the optimum of the first."""
    optimum = second[int(np.argmin(first))]
    orders = [tried(table, ranking, count) for count in (FIRST, -(-table.codes // 10))]
    places = {choice: place for place, choice in enumerate(table.space)}
    taken = places[ranking.chosen]
    measured = [[0, *(places[choice] for choice in order)] for order in orders]
    best = (
        0,
        taken if np.isfinite(first[taken]) else 0,
        *(min(own, key=lambda place: first[place]) for own in measured),
    )
    for own, place in zip(shares.values(), best, strict=True):
        own.append(float(optimum / second[place]))


def _times(table: DecisionTable, name: str) -> Floats:
    values = [getattr(line, name) for line in table.lines]
    return np.asarray([math.nan if value is None else value for value in values], np.float64)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's rank correlation, NaN where either is constant."""
    return float(stats.spearmanr(one, other).statistic) if np.ptp(one) and np.ptp(other) else math.nan
