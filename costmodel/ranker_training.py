"""Trees that rank the candidates of a nest by the time they take, learned from measured tables.

Ensembles over the same features: some for the log of a candidate's time beside the others of its nest, whose mean
decides, and one for the log of the seconds themselves, which is shown and compares nests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .boosted import Parameters, fit
from .columns import Columns, Matrix
from .forest import Forest
from .labels import Floats
from .level_model import Support
from .ranker import Ranker, predicted

PARAMETERS = Parameters(rounds=220, depth=7, leaves=64, rate=0.06, columns=0.4, least_weight=4.0, bins=128)
ENSEMBLES = 2
"""How many decide: they differ by the rows and columns that chance gives each tree, and gains are often smaller than
what they differ by."""
FARTHEST = 0.4
"""Logs of time beyond which a candidate is merely bad: how bad does not matter."""
NEAR = 0.15
"""Logs of time around the best of a nest in which rows weigh more: there it is decided."""
_OTHERS_WEIGHT = 0.3
NEVER = 1.0
"""A margin that no prediction exceeds."""
MARGINS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, NEVER)
"""Logs of predicted gain among which the one is taken from which on departing from the heuristic pays."""
_AVERSION = 4.0
"""How much more a loss against the heuristic counts than a gain, where margins are chosen: whoever asks the model wants
gains, but no kernel that was fast before to be slow."""
COVERAGE = 0.9


@dataclass(frozen=True)
class Group:
    """The candidates of one nest, the heuristic's first, as training sees them."""

    family: str
    shape: str
    """Nests of one shape never stand on both sides of a split."""
    kind: str
    """Of the heuristic's decision."""
    rows: Sequence[Mapping[str, float]]
    """Features of each candidate."""
    relative: Floats
    """Time as a share of the heuristic's, f64 [candidates], NaN where there is none."""
    seconds: float
    """The heuristic's."""


@dataclass(frozen=True)
class HeldOut:
    """Predictions for nests by trees that saw neither their family nor their shape."""

    gains: Sequence[Floats]
    """Logs of time beside the heuristic's, by nest."""
    seconds: Sequence[Floats]
    """Logs of seconds, by nest."""
    margins: Sequence[float]
    """The margin that nests of its kind in other families call for, by nest."""


def train(groups: Sequence[Group], held: HeldOut, record: Mapping[str, object] | None = None) -> Ranker:
    """Train on all groups; `held` says what margin and what intervals hold where families were not seen."""
    columns = Columns.choose([row for group in groups for row in group.rows], 1)
    matrices = [columns.matrix(group.rows) for group in groups]
    whole = np.concatenate(matrices)
    errors = [
        np.abs(seconds - np.log(group.relative * group.seconds))
        for group, seconds in zip(groups, held.seconds, strict=True)
    ]
    return Ranker(
        columns,
        _trees(groups, matrices),
        best_margins(groups, held.gains),
        float(np.nanquantile(np.concatenate(errors), COVERAGE)),
        Support(whole.min(axis=0), whole.max(axis=0)),
        frozenset(int(group.rows[0]["target.vector"]) for group in groups),
        record or {},
    )


def held_out(groups: Sequence[Group]) -> HeldOut:
    """Predict each family by trees trained on the others."""
    columns = Columns.choose([row for group in groups for row in group.rows], 1)
    matrices = [columns.matrix(group.rows) for group in groups]
    gains: list[Floats] = [np.zeros(0)] * len(groups)
    seconds: list[Floats] = [np.zeros(0)] * len(groups)
    for family in dict.fromkeys(group.family for group in groups):
        judged = [number for number, group in enumerate(groups) if group.family == family]
        shapes = {groups[number].shape for number in judged}
        seen = [n for n, group in enumerate(groups) if group.family != family and group.shape not in shapes]
        forest = _trees([groups[n] for n in seen], [matrices[n] for n in seen])
        for number in judged:
            gains[number], seconds[number] = predicted(forest, matrices[number])
    margins = {}
    for family in dict.fromkeys(group.family for group in groups):
        others = [number for number, group in enumerate(groups) if group.family != family]
        margins[family] = best_margins([groups[n] for n in others], [gains[n] for n in others])
    return HeldOut(gains, seconds, [margins[group.family].get(group.kind, NEVER) for group in groups])


def best_margins(groups: Sequence[Group], gains: Sequence[Floats]) -> dict[str, float]:
    """Return, by kind, the margin with which choices gain most, losses counted more; the largest of several."""

    def lost(kind: str, margin: float) -> float:
        own = [_taken(group, gain, margin) for group, gain in zip(groups, gains, strict=True) if group.kind == kind]
        logs = np.log(own)
        return float(np.mean(np.where(logs > 0.0, _AVERSION * logs, logs)))

    kinds = sorted({group.kind for group in groups})
    return {kind: min(reversed(MARGINS), key=lambda margin: lost(kind, margin)) for kind in kinds}


def _taken(group: Group, gains: Floats, margin: float) -> float:
    """Return the relative time of what is chosen: among the measured ones, as the others cannot be judged."""
    known = np.where(np.isnan(group.relative), np.inf, gains)
    best = int(np.argmin(known))
    return float(group.relative[best]) if known[best] < -margin else 1.0


def _trees(groups: Sequence[Group], matrices: Sequence[Matrix]) -> Forest:
    known = [~np.isnan(group.relative) for group in groups]
    matrix = np.concatenate([own[mask] for own, mask in zip(matrices, known, strict=True)])
    logs = [np.log(group.relative[mask]) for group, mask in zip(groups, known, strict=True)]
    beside = np.concatenate([np.clip(own - np.median(own), -FARTHEST, FARTHEST) for own in logs])
    weights = np.concatenate([_OTHERS_WEIGHT + np.exp((own.min() - own) / NEAR) for own in logs])
    seconds = np.concatenate([own + np.log(group.seconds) for own, group in zip(logs, groups, strict=True)])
    small = replace(PARAMETERS, rounds=PARAMETERS.rounds // 2)
    deciding = [fit(matrix, beside, replace(PARAMETERS, seed=seed), weights) for seed in range(ENSEMBLES)]
    return Forest.from_boosters([*deciding, fit(matrix, seconds, small, None)])
