"""The cost model decides: all candidates scored in one batch; where it is unsure the heuristic stays, or the best few
are measured."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..costmodel.predictor import Predicted, Predictor
from ..errors import ArgumentError, SlipstickError
from ..kernels.choice import Choice
from ..passes.candidates import candidates
from ..passes.manager import run_pipeline
from ..passes.nests import Nest, with_choice
from ..target import Target
from .build import parse
from .candidate_score import score
from .search import Search
from .search_store import SearchStore

LOG = logging.getLogger("slipstick")
LEAST_GAIN = 0.02
"""A predicted gain below this is none."""
_PREPARE = "builtin.module(pack-weights,set-stage{stage=scheduled})"


@dataclass(frozen=True)
class Scored:
    """A candidate with what is predicted of it."""

    choice: Choice
    predicted: Predicted | None
    """None where the candidate is illegal for the nest."""
    score: float | None
    """The less the better; None where the model says too little."""


def kernel_text(text: str, choice: Choice) -> str:
    """Return a nest's module with a choice at the stage "scheduled", as the model knows kernels. Raises IRError."""
    module = parse(with_choice(text, choice))
    run_pipeline(module, _PREPARE)
    return str(module.operation.get_asm(use_local_scope=True))


def scored(nest: Nest, target: Target, model: Predictor) -> list[Scored]:
    """Return the candidates of a nest, the present decision first, with their scores; the model is asked once."""
    space = candidates(nest, target)
    texts: list[str | None] = []
    for choice in space:
        try:
            texts.append(kernel_text(nest.text, choice))
        except SlipstickError:
            texts.append(None)
    answers = iter(model.predict([text for text in texts if text is not None], target))
    found = []
    for choice, text in zip(space, texts, strict=True):
        predicted = None if text is None else next(answers)
        found.append(Scored(choice, predicted, None if predicted is None else score(nest, choice, predicted)))
    return found


def ranked(space: Sequence[Scored]) -> list[Scored]:
    """Return the candidates of the present kind that have a score, the best first; fewest spills before all else.

    Scores of different kinds of kernels do not compare unless they are times.
    """
    own = space[0].choice.kind
    usable = [one for one in space if one.score is not None and one.choice.kind == own]
    return sorted(usable, key=lambda one: (_spills(one) > _spills(space[0]), one.score))


@dataclass
class ModelPolicy:
    """The policy `model`; the one that slipstick ships unless one is given."""

    budget: int = 0
    model: Predictor | None = None
    cache_dir: Path | None = None
    unsure: list[str] = field(default_factory=list)
    """The nests that the model was unsure of, in words."""

    def decide(self, nests: Sequence[Nest], target: Target) -> list[Choice]:
        """Return the choice for each nest. Raises ArgumentError where there is no model, or it says too little."""
        if self.model is None:
            from ..costmodel.released import load

            self.model = load()
        return [self._decide(nest, target, self.model) for nest in nests]

    def _decide(self, nest: Nest, target: Target, model: Predictor) -> Choice:
        space = scored(nest, target, model)
        if all(one.score is None for one in space):
            raise ArgumentError("the model predicts neither time nor cycles: it cannot decide")
        order, now = ranked(space), space[0]
        best = order[0] if order else now
        doubts = [one.predicted.unsure for one in (best, now) if one.predicted is not None]
        if self.budget and nest.is_static and target.is_host_compatible():
            search = Search(nest, target, SearchStore(self.cache_dir), self.cache_dir)
            search.measure([one.choice for one in order[: self.budget]])
            return search.best()
        if any(doubts):
            self.unsure.append(nest.description)
            LOG.info("%s: the model is unsure (%s): the heuristic's stays", nest.description, "; ".join(doubts[0]))
            return now.choice
        gains = best.score is not None and now.score is not None and best.score < now.score * (1 - LEAST_GAIN)
        return best.choice if gains else now.choice


def _spills(one: Scored) -> float:
    return one.predicted.predictions["spills"].value if one.predicted and "spills" in one.predicted.predictions else 0.0
