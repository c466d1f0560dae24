"""What a generation returns: the new tokens, and how long each took at which depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
