"""The outcome of the study, as data: what the table, the JSON and the report show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from ..datasets.sentences import Sentence
from .demo_results import EncoderFacts
from .environment import Environment
from .study_agreement import Agreement
from .study_claims import Verdict, judge
from .study_configurations import Configuration
from .study_measure import Figures, on_topic
from .study_statistics import Array, Bootstrap, Estimate


@dataclass(frozen=True)
class Summary:
    """The figures of one configuration over all sentences."""

    cosine_error: Estimate
    """1 - cosine with f32, mean."""
    least_cosine: float
    """Without an interval: resampling says nothing of an extreme."""
    neighbours: Estimate
    """Share of sentences with the nearest neighbour that they have in f32."""
    ranks: Estimate
    """Kendall's tau with the ranking in f32."""
    on_topic: Estimate
    """Share of sentences whose nearest neighbour is of their topic."""


@dataclass(frozen=True)
class StudyResults:
    """Everything."""

    model: str
    encoder: EncoderFacts
    command: str
    environment: Environment
    batch: int
    tokens: int
    sentences: Sequence[Sentence]
    expected: Array
    """The nearest neighbour of each sentence in f32."""
    figures: Mapping[Configuration, Figures]
    agreements: Sequence[Agreement]

    @cached_property
    def summaries(self) -> dict[Configuration, Summary]:
        """The figures of all configurations, in the order of the study."""
        bootstrap = Bootstrap(len(self.sentences))
        return {configuration: self._summary(f, bootstrap) for configuration, f in self.figures.items()}

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What the figures say of the paper's claims."""
        return judge(self.figures, self.expected, self.sentences)

    @cached_property
    def topical(self) -> int:
        """How many sentences have a nearest neighbour of their topic in f32."""
        return int(on_topic(self.expected, self.sentences).sum())

    def _summary(self, figures: Figures, bootstrap: Bootstrap) -> Summary:
        return Summary(
            bootstrap.mean(figures.cosine_errors),
            float(1 - figures.cosine_errors.max()),
            bootstrap.share(figures.neighbours == self.expected),
            bootstrap.mean(figures.ranks),
            bootstrap.share(on_topic(figures.neighbours, self.sentences)),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, for JSON."""
        return {
            "model": self.model,
            "encoder": asdict(self.encoder),
            "command": self.command,
            "environment": asdict(self.environment),
            "batch": self.batch,
            "tokens": self.tokens,
            "sentences": len(self.sentences),
            "on_topic_in_f32": self.topical,
            "claims": [
                {
                    **asdict(verdict.claim),
                    "holds": verdict.holds,
                    "findings": [asdict(finding) for finding in verdict.findings],
                }
                for verdict in self.verdicts
            ],
            "agreement": [
                {**asdict(a), "configuration": a.configuration.name, "within": a.within} for a in self.agreements
            ],
            "configurations": [
                {"name": configuration.name, **configuration.as_dict(), **asdict(summary)}
                for configuration, summary in self.summaries.items()
            ],
        }
