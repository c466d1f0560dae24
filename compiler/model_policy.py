"""The cost model decides: all candidates of a nest ranked in one batch; where it is unsure the heuristic stays, or the
best few are measured.

Times are predicted by a ranker that was trained on measured ones. A model of kernels' texts, which knows registers,
spills and cycles, can be asked instead: it sees the likeliest candidates alone, as each has to be lowered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..costmodel.predictor import Predicted, Predictor
from ..errors import ArgumentError, SlipstickError
from ..kernels.choice import Choice
from ..passes.candidates import candidates
from ..passes.nests import Nest
from ..target import Target
from .candidate_estimate import Facts, estimate
from .candidate_score import TIME, score
from .candidate_texts import KernelTexts
from .ranking import Ranking, released_ranker
from .search import Search
from .search_store import SearchStore
from .trials import AT_ONCE, Trials

if TYPE_CHECKING:
    from ..costmodel.ranker import Ranker

LOG = logging.getLogger("slipstick")
ASKED = 24
"""Candidates of a nest that the model is asked about: those that are estimated to be fastest, beside the present."""


@dataclass(frozen=True)
class Scored:
    """A candidate with what is predicted of it."""

    choice: Choice
    estimate: float | None
    """Cycles by counting; None where nothing is known of its kind."""
    predicted: Predicted | None
    """None where the candidate is illegal for the nest, or the model was not asked."""
    score: float | None
    """The less the better; None where the model says too little."""


def scored(nest: Nest, target: Target, model: Predictor, most: int | None = None) -> list[Scored]:
    """Return candidates of a nest, the present decision first, with their scores; the model is asked once.

    At most `most` of them where that is given: those whose estimates are least.
    """
    facts = Facts.of(nest, target)
    space = [(choice, estimate(facts, choice)) for choice in candidates(nest, target)]
    if most is not None:
        first, *others = space
        space = [first, *sorted(others, key=lambda one: one[1] or 0.0)[: most - 1]]
    texts = KernelTexts(nest.text)
    written: list[str | None] = []
    for choice, _ in space:
        try:
            written.append(texts.of(choice))
        except SlipstickError:
            written.append(None)
    answers = iter(model.predict([text for text in written if text is not None], target))
    found = []
    for (choice, cycles), text in zip(space, written, strict=True):
        predicted = None if text is None else next(answers)
        value = None if predicted is None else score(nest, choice, predicted)
        found.append(Scored(choice, cycles, predicted, value))
    return found


def ranked(space: Sequence[Scored]) -> list[Scored]:
    """Return the candidates of the present kind that have a score, the best first; fewest spills before all else.

    Scores of different kinds of kernels do not compare unless they are times.
    """
    own = space[0].choice.kind
    usable = [one for one in space if one.score is not None and one.choice.kind == own]
    return sorted(usable, key=lambda one: (_spills(one) > _spills(space[0]), one.score))


def doubts(space: Sequence[Scored]) -> tuple[str, ...]:
    """Return why the model should not be believed about the best candidate or the present one; empty for no reason."""
    order = ranked(space)
    return next((one.predicted.unsure for one in (*order[:1], space[0]) if one.predicted and one.predicted.unsure), ())


def chosen(space: Sequence[Scored]) -> Choice:
    """Return what is chosen without measuring: the present decision unless another is surely predicted to be faster.

    Surely: even if it takes the most, and the present one the least, that the intervals of their cycles allow.
    """
    now, order = space[0], ranked(space)
    if not order or doubts(space) or now.score is None or order[0].score is None:
        return now.choice
    most, least = order[0].score * _reach(order[0])[1], now.score * _reach(now)[0]
    return order[0].choice if most < least else now.choice


def _reach(one: Scored) -> tuple[float, float]:
    """Return the ends of the interval of the cycles, or of the time, as shares of what is predicted."""
    found = one.predicted.predictions if one.predicted else {}
    known = found.get(TIME) or found.get("cycles")
    return (known.low / known.value, known.high / known.value) if known is not None and known.value > 0 else (1.0, 1.0)


@dataclass
class ModelPolicy:
    """The policy `model`; the one that slipstick ships unless one is given."""

    budget: int = 0
    model: Predictor | None = None
    """A model of texts to be asked in the ranker's place."""
    ranker: Ranker | None = None
    """The one that slipstick ships if not given."""
    cache_dir: Path | None = None
    unsure: list[str] = field(default_factory=list)
    """The nests that the model was unsure of, in words."""
    say: Callable[[str, int, int], None] = lambda what, done, total: None
    """Told the nest, how many candidates were measured, of how many."""

    def decide(self, nests: Sequence[Nest], target: Target) -> list[Choice]:
        """Return the choice for each nest. Raises ArgumentError where there is no model, or it says too little."""
        if self.model is None:
            ranker = self.ranker or released_ranker()
            if ranker is not None:
                return [self._rank(nest, target, ranker) for nest in nests]
            from .released_model import load_model

            self.model = load_model()
        return [self._decide(nest, target, self.model) for nest in nests]

    def _rank(self, nest: Nest, target: Target, ranker: Ranker) -> Choice:
        ranking = Ranking.of(nest, target, ranker)
        if self.budget and nest.is_static and target.is_host_compatible():
            search = Search(nest, target, SearchStore(self.cache_dir), self.cache_dir)
            trials = Trials(ranking.space, ranking.gains)
            # Some candidates become the same code, which is measured once.
            while search.codes <= self.budget:
                following = trials.following(min(AT_ONCE, self.budget + 1 - search.codes))
                if not following:
                    break
                search.measure(following)
                for choice in following:
                    trials.tell(choice, search.relative.get(choice))
                self.say(nest.description, search.codes - 1, self.budget)
            return search.best()
        if ranking.unsure:
            self._doubt(nest, ranking.unsure)
        return ranking.chosen

    def _doubt(self, nest: Nest, reasons: Sequence[str]) -> None:
        self.unsure.append(nest.description)
        LOG.info("%s: the model is unsure (%s): the heuristic's stays", nest.description, "; ".join(reasons))

    def _decide(self, nest: Nest, target: Target, model: Predictor) -> Choice:
        space = scored(nest, target, model, max(ASKED, self.budget + 1))
        if all(one.score is None for one in space):
            raise ArgumentError("the model predicts neither time nor cycles: it cannot decide")
        if self.budget and nest.is_static and target.is_host_compatible():
            search = Search(nest, target, SearchStore(self.cache_dir), self.cache_dir)
            order = [one.choice for one in ranked(space)][: self.budget]
            search.measure(order, say=lambda done, total: self.say(nest.description, done, total))
            return search.best()
        if reasons := doubts(space):
            self._doubt(nest, reasons)
        return chosen(space)


def _spills(one: Scored) -> float:
    return one.predicted.predictions["spills"].value if one.predicted and "spills" in one.predicted.predictions else 0.0
