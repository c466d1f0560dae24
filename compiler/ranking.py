"""The candidates of a nest in the order of their predicted times: how the policy `model` decides without measuring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..costmodel.labels import Floats
from ..costmodel.predictor import Predicted, Prediction
from ..kernels.choice import Choice
from ..passes.candidates import candidates
from ..passes.nests import Nest
from ..target import Target
from .candidate_features import VERSION, NestFacts, features
from .candidate_score import TIME

if TYPE_CHECKING:
    from ..costmodel.ranker import Ranker

MOST_OUTSIDE = 6
"""Features of a nest that may lie outside of what training saw before the ranker is unsure."""


@dataclass(frozen=True)
class Ranking:
    """Candidates, the present decision first, with what is predicted of their times."""

    space: Sequence[Choice]
    gains: Floats
    """Logs of time beside the present decision's, f64 [candidates]."""
    seconds: Floats
    """Logs of seconds, f64 [candidates]."""
    margin: float
    """Log of the least gain for which the present decision is given up."""
    spread: float = 0.0
    """Half of a 90 % interval of the logs of seconds."""
    unsure: tuple[str, ...] = ()
    """Why the predictions should not be believed; empty for no reason."""

    @classmethod
    def of(cls, nest: Nest, target: Target, ranker: Ranker, space: Sequence[Choice] | None = None) -> Ranking:
        """Rank candidates of a nest, all of them unless `space` says which, in one batch."""
        space = candidates(nest, target) if space is None else space
        rows = features(NestFacts.of(nest, target), space)
        gains, seconds = ranker.predict(rows)
        doubts = _doubts(nest, target, ranker, rows)
        return cls(space, gains, seconds, ranker.margins.get(space[0].kind, math.inf), ranker.spread, doubts)

    @property
    def order(self) -> list[Choice]:
        """All candidates but the present decision, the one that is predicted to be fastest first."""
        return [self.space[place] for place in np.argsort(self.gains, kind="stable").tolist() if place]

    @property
    def chosen(self) -> Choice:
        """What is chosen without measuring: the present decision unless another surely gains."""
        best = int(np.argmin(self.gains))
        return self.space[best] if self.gains[best] < -self.margin and not self.unsure else self.space[0]

    def predicted(self) -> list[Predicted]:
        """Return the times with their intervals, by candidate."""
        low, high = math.exp(-self.spread), math.exp(self.spread)
        times = np.exp(self.seconds).tolist()
        return [Predicted({TIME: Prediction(t, t * low, t * high, "s")}, self.unsure) for t in times]


@cache
def released_ranker(folder: Path | None = None) -> Ranker | None:
    """Return the ranker in a folder, or the one that slipstick ships; None where there is none.

    Raises ArgumentError for one that is damaged or of another version.
    """
    from ..costmodel.ranker_files import INDEX, load_ranker
    from ..costmodel.released import FOLDER

    folder = folder or FOLDER
    return load_ranker(VERSION, folder) if (folder / INDEX).exists() else None


def _doubts(nest: Nest, target: Target, ranker: Ranker, rows: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    if not nest.is_static:
        return ("not all sizes are known",)
    if target.vector_bits not in ranker.vectors:
        return (f"no kernels with vectors of {target.vector_bits} bits were measured",)
    outside = ranker.outside(rows)
    return (f"{outside} features lie outside of what was seen",) if outside > MOST_OUTSIDE else ()
