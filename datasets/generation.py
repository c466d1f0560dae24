"""What a generation returns: the new tokens, and how long each took at which depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Callback: TypeAlias = Callable[[list[int | None]], object]
"""Called after each new token with that of each row, None of a row that has ended."""


@dataclass(frozen=True)
class GenerationTiming:
    """Seconds of one generation; the first new token comes from the prompt, each other one from a decode step."""

    prompt_tokens: int
    """Tokens of the longest prompt."""
    prefill_seconds: float
    """From the prompts to the logits of the first new token, at full depth."""
    step_seconds: tuple[float, ...]
    """Of each decode step: native code alone, from its inputs to its logits."""
    depths: tuple[int, ...]
    """The layers that each decode step ran."""
    total_seconds: float
    """Of everything: prefill, steps, choosing tokens, callbacks."""

    @property
    def decode_seconds(self) -> float:
        """Of all decode steps together."""
        return sum(self.step_seconds)

    @property
    def mean_depth(self) -> float:
        """Layers that a decode step ran in the mean; 0 without any step."""
        return sum(self.depths) / len(self.depths) if self.depths else 0.0

    @property
    def steps_per_second(self) -> float:
        """Decode steps a second; times the rows of the batch, new tokens. 0 without any step."""
        return len(self.step_seconds) / self.decode_seconds if self.step_seconds else 0.0


class Generation(NamedTuple):
    """The result of a generation."""

    tokens: list[list[int]]
    """The new token ids of each row, up to and including its end token."""
    timing: GenerationTiming


class GrowingRows:
    """The rows of a generation as they grow; a row ends with one of the tokens `ends`."""

    def __init__(self, prompts: Sequence[Sequence[int]], ends: frozenset[int], callback: Callback | None):
        self.tokens: list[list[int]] = [[] for _ in prompts]
        """The new tokens of each row."""
        self._ended = [False] * len(prompts)
        self._ends = ends
        self._callback = callback

    @property
    def all_ended(self) -> bool:
        """Whether no row takes another token."""
        return all(self._ended)

    def add(self, chosen: Sequence[int]) -> None:
        """Take the next token of each row; rows that have ended take none."""
        shown: list[int | None] = []
        for number, token in enumerate(chosen):
            shown.append(None if self._ended[number] else token)
            if not self._ended[number]:
                self.tokens[number].append(token)
                self._ended[number] = token in self._ends
        if self._callback is not None:
            self._callback(shown)
