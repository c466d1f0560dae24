"""The outcome of one run of the demo, as data: what the table, the JSON and the report show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import torch

from ..datasets.sentences import Sentence
from .demo_measure import TORCH, Compiled, Quality
from .environment import Environment
from .timing import Timing


@dataclass(frozen=True)
class Settings:
    """What the user asked for."""

    model: str
    """The folder's path, or the name of the built-in encoder."""
    batch: int
    tokens: int
    mantissa_bits: int
    specials: str
    threads: int
    repeats: int


@dataclass(frozen=True)
class EncoderFacts:
    """What was compiled."""

    type: str
    layers: int
    width: int
    parameters: int


@dataclass(frozen=True)
class Disagreement:
    """A sentence whose nearest neighbour is another one than in torch; sentences by number."""

    sentence: int
    torch: int
    found: int
    margin: float
    """By how much torch preferred its own choice, as a difference of cosines."""


@dataclass(frozen=True)
class VariantResult:
    """One compiled variant: how it was made, how it agrees, how long it takes."""

    compiled: Compiled
    quality: Quality
    timing: Timing
    """Seconds a sentence."""

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.compiled.variant.name


@dataclass(frozen=True)
class Results:
    """Everything."""

    settings: Settings
    command: str
    encoder: EncoderFacts
    environment: Environment
    sentences: Sequence[Sentence]
    longest: int
    """Tokens of the longest sentence, cut off at `tokens`."""
    export_seconds: float
    reference: Quality
    """Torch against itself."""
    torch_timing: Timing
    variants: tuple[VariantResult, ...]

    @cached_property
    def disagreements(self) -> dict[str, list[Disagreement]]:
        """By variant: the sentences with another nearest neighbour than in torch."""
        return {variant.name: self._disagreements(variant) for variant in self.variants}

    def _disagreements(self, variant: VariantResult) -> list[Disagreement]:
        expected, found = self.reference.neighbours, variant.quality.neighbours
        rows = torch.nonzero(expected != found).flatten().tolist()
        similarity = self.reference.similarities
        return [
            Disagreement(
                row,
                int(expected[row]),
                int(found[row]),
                float(similarity[row, expected[row]] - similarity[row, found[row]]),
            )
            for row in rows
        ]

    def same_topic(self, quality: Quality) -> int:
        """Return how many sentences have a nearest neighbour of their own topic."""
        pairs = enumerate(quality.neighbours.tolist())
        return sum(self.sentences[row].topic == self.sentences[neighbour].topic for row, neighbour in pairs)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, for JSON."""
        return {
            "settings": asdict(self.settings),
            "command": self.command,
            "encoder": asdict(self.encoder),
            "environment": asdict(self.environment),
            "sentences": len(self.sentences),
            "longest_sentence_tokens": self.longest,
            "export_seconds": self.export_seconds,
            TORCH: {
                "seconds_a_sentence": asdict(self.torch_timing),
                "neighbours_of_same_topic": self.same_topic(self.reference),
            },
            "variants": {variant.name: self._variant(variant) for variant in self.variants},
        }

    def _variant(self, variant: VariantResult) -> dict[str, Any]:
        compiled, quality = variant.compiled, variant.quality
        return {
            "lmul": None if compiled.variant.lmul is None else asdict(compiled.variant.lmul),
            "largest_error": quality.largest_error,
            "cosine": {"min": float(quality.cosines.min()), "mean": float(quality.cosines.mean())},
            "neighbours": {
                "agreeing": quality.agreeing,
                "of": len(self.sentences),
                "of_same_topic": self.same_topic(quality),
                "disagreements": [asdict(d) for d in self.disagreements[variant.name]],
            },
            "seconds_a_sentence": asdict(variant.timing),
            "compile": {
                "seconds": compiled.seconds,
                "from_cache": compiled.module.from_cache,
                "timings": dict(compiled.module.timings),
            },
            "arithmetic_a_batch": compiled.arithmetic.as_dict(per_op=False),
            "estimated_energy_a_sentence": {**asdict(compiled.energy), "total_pj": compiled.energy.total_pj},
        }
