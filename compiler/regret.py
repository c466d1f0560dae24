"""How far choices are from the best: nests whose candidates were all measured, and what each policy would have chosen.

A share is the time of the best candidate divided by that of the chosen one: 1 is the optimum. With `k` measurements a
policy takes the best of the `k` candidates that it would try first, beside the heuristic's, each as the times of those
before let it choose; a random choice the best of `k` that are drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..costmodel.predictor import Predictor
from ..kernels.choice import Choice
from ..kernels.decisions import Decided
from .decision_table import DecisionTable
from .model_policy import chosen, ranked, scored
from .ranking import Ranking
from .search import BATCH, LEAST_GAIN, next_choices
from .trials import tried

MEASUREMENTS = (0, 1, 5, 10)
TENTH = -10
"""Stands for a tenth of the kernels, rounded up, among the numbers of measurements."""


@dataclass(frozen=True)
class NestRegret:
    """One nest: its optimum, and the share of it that each policy reaches, by policy and number of measurements."""

    what: str
    key: str
    target: str
    candidates: int
    codes: int
    """How many different kernels the candidates become."""
    failed: int
    heuristic_s: float
    best_s: float
    best: dict[str, Any]
    heuristic: dict[str, Any]
    shares: dict[str, dict[int, float]]
    model: dict[str, Any] | None = None
    """What the model chooses without a measurement; None where no model was asked."""

    @property
    def decided(self) -> Decided:
        """The best choice as an entry of a file of decisions."""
        return Decided(self.key, self.target, self.what, "search", Choice.from_json(self.best))

    def json(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return dict(vars(self))


def regret(table: DecisionTable, model: Predictor | None = None, ranking: Ranking | None = None) -> NestRegret:
    """Return the regret of a nest all of whose candidates were measured.

    The model's are the choices of a ranking of the table's candidates, else those of a model of their kernels' texts.
    """
    relative, space = table.relative, table.space
    optimum = min(relative.values())
    tenth = -(-table.codes // 10)
    shares = {
        "heuristic": {0: optimum},
        "random": {k: _random_share(sorted(relative.values()), k) for k in MEASUREMENTS},
        "search": {k: optimum / _searched(relative, space, k) for k in MEASUREMENTS},
    }
    shares["search"][TENTH] = optimum / _searched(relative, space, tenth)
    taken: Choice | None = None
    if model is not None or ranking is not None:
        if ranking is not None:
            taken, order = ranking.chosen, tried(table, ranking, max(tenth, *MEASUREMENTS))
        else:
            assert model is not None
            found = scored(table.nest, table.machine, model)
            taken = chosen(found)
            order = [one.choice for one in ranked(found) if one.choice in relative]
        shares["model"] = {k: optimum / _ordered(relative, order, k) for k in MEASUREMENTS[1:]}
        shares["model"][TENTH] = optimum / _ordered(relative, order, tenth)
        shares["model"] = {0: optimum / relative.get(taken, math.inf), **shares["model"]}
    best = min(relative, key=relative.__getitem__)
    heuristic_s = table.heuristic.seconds or math.nan
    return NestRegret(
        table.what,
        table.key,
        table.target,
        len(space),
        table.codes,
        len([line for line in table.lines if line.failed]),
        heuristic_s,
        heuristic_s * optimum,
        best.json(),
        table.heuristic.choice.json(),
        shares,
        None if taken is None else taken.json(),
    )


def summary(found: Sequence[NestRegret]) -> dict[str, dict[int, tuple[float, float]]]:
    """Return, by policy and number of measurements, the geometric mean of the shares and the worst."""
    tables: dict[str, dict[int, tuple[float, float]]] = {}
    for policy in dict.fromkeys(policy for one in found for policy in one.shares):
        tables[policy] = {}
        for k in dict.fromkeys(k for one in found for k in one.shares.get(policy, {})):
            shares = [one.shares[policy][k] for one in found if k in one.shares.get(policy, {})]
            mean = math.exp(sum(map(math.log, shares)) / len(shares))
            tables[policy][k] = mean, min(shares)
    return tables


def _random_share(relative: Sequence[float], k: int) -> float:
    """Return the share to expect of the best of `k` candidates drawn at random, of one for none."""
    count, k = len(relative), min(max(1, k), len(relative))
    ways = math.comb(count, k)
    # The best of those drawn is number i if the others are all behind it.
    chances = [math.comb(count - 1 - place, k - 1) / ways for place in range(count - k + 1)]
    return sum(chance * relative[0] / time for chance, time in zip(chances, relative, strict=False))


def _searched(relative: Mapping[Choice, float], space: Sequence[Choice], k: int) -> float:
    """Return the relative time of what a search finds with `k` measurements, by the measured table."""
    tried = {space[0]}
    while len(tried) < min(k, len(space) - 1) + 1:
        tried.update(next_choices(relative, space, tried, min(BATCH, k + 1 - len(tried))))
    return _best(relative, tried)


def _ordered(relative: Mapping[Choice, float], order: Sequence[Choice], k: int) -> float:
    """Return the relative time of the best of the first `k` of an order and the heuristic's."""
    return _best(relative, order[:k])


def _best(relative: Mapping[Choice, float], choices: Iterable[Choice]) -> float:
    """Return the relative time of the best of some choices, the heuristic's where none gains more than noise does."""
    found = min((relative[choice] for choice in choices if choice in relative), default=1.0)
    return found if found <= 1.0 - LEAST_GAIN else 1.0
