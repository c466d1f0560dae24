"""Notes and questions as prompts: how long they are, and which decode steps that asks for; their text as a corpus."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import ArgumentError

PERCENTILES: Final = (5, 25, 50, 75, 90, 95, 99)
CONTEXT_STEP: Final = 64
_PIECE: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Lengths:
    """How long prompts are, shortest first."""

    unit: str
    """What is counted: `words and marks`, or tokens of a tokenizer."""
    counts: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The average length."""
        return sum(self.counts) / len(self.counts)

    def percentile(self, share: int) -> int:
        """Return the least length that `share` % of the prompts do not exceed."""
        return self.counts[max(0, -(-len(self.counts) * share // 100) - 1)]

    def within(self, length: int) -> int:
        """Return how many prompts are no longer than that."""
        return bisect_right(self.counts, length)

    def contexts(self, answer: int = 128) -> tuple[int, ...]:
        """Return contexts for decode steps: those that hold half, nine in ten and all prompts with an answer behind.

        They are multiples of 64, without repeats.
        """
        lengths = (self.percentile(50), self.percentile(90), self.counts[-1])
        rounded = (-(-(length + answer) // CONTEXT_STEP) * CONTEXT_STEP for length in lengths)
        return tuple(dict.fromkeys(rounded))

    def histogram(self, bins: int) -> list[tuple[int, int, int]]:
        """Return bins of equal width: the first length, the one behind the last, and how many prompts lie between."""
        low = self.counts[0]
        width = max(1, -(-(self.counts[-1] + 1 - low) // bins))
        edges = [low + width * number for number in range(bins + 1)]
        places = [bisect_right(self.counts, edge - 1) for edge in edges]
        found = [(edges[n], edges[n + 1], places[n + 1] - places[n]) for n in range(bins)]
        return [one for one in found if one[0] <= self.counts[-1]]

    def as_json(self) -> dict[str, Any]:
        """Return the distribution, the contexts, and every length."""
        return {
            "unit": self.unit,
            "prompts": len(self.counts),
            "mean": self.mean,
            "least": self.counts[0],
            "greatest": self.counts[-1],
            "percentiles": {str(share): self.percentile(share) for share in PERCENTILES},
            "contexts": list(self.contexts()),
            "lengths": list(self.counts),
        }


def lengths(texts: Iterable[str], tokenizer: Path | None = None) -> Lengths:
    """Return how long texts are, in the tokens of a `tokenizer.json` or, without one, in words and marks.

    Raises ArgumentError where there is no text or the file is no tokenizer.
    """
    found: Sequence[str] = list(texts)
    if not found:
        raise ArgumentError("prompts: expected at least one text, found none")
    if tokenizer is None:
        return Lengths("words and marks", tuple(sorted(len(_PIECE.findall(text)) for text in found)))
    encodings = _tokenizer(tokenizer).encode_batch(found)
    return Lengths(f"tokens of {tokenizer}", tuple(sorted(len(one.ids) for one in encodings)))


def _tokenizer(path: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as problem:
        raise ArgumentError("the package tokenizers is not installed: pip install 'slipstick[demo]'") from problem
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as problem:  # the bindings raise bare Exception
        raise ArgumentError(f"--tokenizer: {file}: cannot be read: {problem}") from problem
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
