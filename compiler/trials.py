"""Which candidates to measure next: those from which most improvement is to be expected after what was measured.

The ranker's errors are alike for candidates that are alike: where it misjudges a place for the epilogue, it does so for
every tile. So what was measured corrects what is predicted of the others, and a candidate that differs in a way that
was not tried may be worth more than the next best by prediction. Errors are taken as sums of normal ones, one for each
trait of a decision, shared by the candidates that have it in common (a Gaussian process); what is measured next has the
largest expected improvement. Deciding without measuring is not concerned.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..costmodel.labels import Floats
from ..kernels.choice import Choice
from .decision_table import DecisionTable
from .ranking import Ranking

AT_ONCE = 2
"""Candidates that are measured beside one another before predictions are corrected."""
_SHARED = (0.15, 0.03, 0.05, 0.035, 0.08, 0.02, 0.01, 0.03)
"""Standard deviations of errors of log time by trait, see `_traits`.

Of the greatest likelihood for the residuals of families that were not trained on, rounded, but the epilogue's place:
its errors are seldom but large, which a normal distribution with the deviation of them all would rule out.
"""
_OWN = 0.04
"""Of the error that a candidate shares with no other."""
_NOISE = 0.01
"""Of measuring."""
_FARTHEST = 0.6
"""Logs of time beyond which a candidate says nothing more about others."""


@dataclass
class Trials:
    """The candidates of a nest, the present decision first, which of them were measured, and what comes next."""

    space: Sequence[Choice]
    gains: Floats
    """Predicted logs of time beside the present decision's, f64 [candidates]."""
    _residuals: dict[int, float] = field(default_factory=dict)
    """What was measured less what was predicted, by place in the space."""
    _done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        traits = [_traits(choice) for choice in self.space]
        self._covariance = np.eye(len(traits)) * _OWN**2
        for deviation, column in zip(_SHARED, zip(*traits, strict=True), strict=True):
            numbers: dict[Hashable, int] = {}
            codes = np.asarray([numbers.setdefault(trait, len(numbers)) for trait in column])
            self._covariance += deviation**2 * (codes[:, None] == codes[None, :])
        self.tell(self.space[0], 1.0)

    def tell(self, choice: Choice, relative: float | None) -> None:
        """Take what was measured of a candidate, as a share of the present decision's time; None where it failed."""
        place = self.space.index(choice)
        self._done.add(place)
        if relative is not None:
            self._residuals[place] = float(np.clip(math.log(relative), -_FARTHEST, _FARTHEST) - self.gains[place])

    def following(self, count: int = AT_ONCE) -> list[Choice]:
        """Return the candidates to measure next, at most so many; none where all were."""
        known, done = dict(self._residuals), set(self._done)
        found: list[int] = []
        while len(found) < count and len(done) < len(self.space):
            means, deviations = self._corrected(known)
            if len(done) == 1:
                # Nothing is known but the present decision: the one that would be taken unmeasured comes first.
                worth = -means
            else:
                best = min(self.gains[place] + residual for place, residual in known.items())
                worth = _expected_improvement(best - means, deviations)
            worth[list(done)] = -np.inf
            place = int(np.argmax(worth))
            # Until it is measured it is believed to be as predicted.
            known[place] = float(means[place] - self.gains[place])
            done.add(place)
            found.append(place)
        return [self.space[place] for place in found]

    def _corrected(self, known: dict[int, float]) -> tuple[Floats, Floats]:
        """Return the means and the standard deviations of all candidates' logs of time, after what is known."""
        places = list(known)
        across = self._covariance[:, places]
        inside = self._covariance[np.ix_(places, places)] + _NOISE**2 * np.eye(len(places))
        weights = np.linalg.solve(inside, across.T).T
        left = np.diag(self._covariance) - (weights * across).sum(axis=1)
        return self.gains + weights @ np.asarray(list(known.values())), np.sqrt(np.maximum(left, _NOISE**2))


def tried(table: DecisionTable, ranking: Ranking, count: int) -> list[Choice]:
    """Return what would be measured of a table's candidates with `count` measurements, in order.

    Candidates that become the same code as one before cost nothing and are left out.
    """
    objects = {line.choice: line.object for line in table.lines if line.relative is not None}
    codes = {table.heuristic.object: table.heuristic.choice}
    for choice in ranking.order:
        if choice in objects:
            codes.setdefault(objects[choice], choice)
    gains = dict(zip(ranking.space, ranking.gains.tolist(), strict=True))
    space = list(codes.values())
    trials = Trials(space, np.asarray([gains[choice] for choice in space]))
    found: list[Choice] = []
    while len(found) < count and (following := trials.following()):
        found += following
        for choice in following:
            trials.tell(choice, table.relative[choice])
    return found[:count]


def _expected_improvement(gain: Floats, deviation: Floats) -> Floats:
    """Return the mean of the positive part of normal distributions."""
    share = gain / deviation
    below = np.asarray([0.5 * (1.0 + math.erf(value / math.sqrt(2.0))) for value in share.tolist()])
    found: Floats = gain * below + deviation * np.exp(-0.5 * share**2) / math.sqrt(2.0 * math.pi)
    return found


def _traits(choice: Choice) -> tuple[Hashable, ...]:
    """Return in which ways a choice may be like others, in the order of `_SHARED`: traits of kinds do not mix."""
    entries = choice.json()
    kind = entries["kind"]
    rows, columns = entries.get("register_tile") or (entries.get("interleave"), entries.get("vector_bits"))

    def of(names: Iterable[str]) -> tuple[Hashable, ...]:
        return (kind, *(entries.get(name) for name in names))

    return (
        kind,
        (kind, rows),
        (kind, columns),
        (kind, rows, columns),
        choice.epilogue,
        of(("k_unroll", "straight")),
        of(("k_block", "m_block")),
        of(("prefetch", "pair", "pack_left")),
    )
