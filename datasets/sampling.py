"""The next token from logits: the likeliest, or one drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..errors import ArgumentError


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. Raises `ArgumentError` for a value outside what each field says."""

    temperature: float = 0.0
    """What logits are divided by before one is drawn; 0: always the likeliest token, nothing is drawn."""
    top_k: int | None = None
    """Draw among so many of the likeliest, at least 1; `None`: among all."""
    top_p: float | None = None
    """Draw among the likeliest that together have at least this probability, above 0 and at most 1; `None`: all."""
    seed: int = 0
    """Of the random numbers: equal seeds draw equal tokens."""

    def __post_init__(self) -> None:
        if not _is_number(self.temperature) or not 0 <= self.temperature < float("inf"):
            raise ArgumentError(f"temperature: expected a number of at least 0, found {self.temperature!r}")
        if self.top_k is not None and (not _is_integer(self.top_k) or self.top_k < 1):
            raise ArgumentError(f"top_k: expected an integer of at least 1, or None, found {self.top_k!r}")
        if self.top_p is not None and (not _is_number(self.top_p) or not 0 < self.top_p <= 1):
            raise ArgumentError(f"top_p: expected a number above 0 and at most 1, or None, found {self.top_p!r}")
        if not _is_integer(self.seed):
            raise ArgumentError(f"seed: expected an integer, found {self.seed!r}")

    def generator(self) -> torch.Generator:
        """Return the source of random numbers of one generation."""
        return torch.Generator().manual_seed(self.seed)

    def choose(self, logits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return a token for each row, int64 [rows], given logits f32 [rows, vocabulary]."""
        if self.temperature == 0:
            return logits.argmax(-1)
        scaled = logits / self.temperature
        if self.top_k is not None and self.top_k < scaled.shape[-1]:
            least = scaled.topk(self.top_k).values[:, -1:]
            scaled = scaled.masked_fill(scaled < least, float("-inf"))
        if self.top_p is not None and self.top_p < 1:
            values, order = scaled.sort(-1, descending=True)
            before = values.softmax(-1).cumsum(-1) - values.softmax(-1)
            # The likeliest token stays, whatever its probability.
            values = values.masked_fill(before >= self.top_p, float("-inf"))
            scaled = torch.empty_like(scaled).scatter_(-1, order, values)
        return torch.multinomial(scaled.softmax(-1), 1, generator=generator)[:, 0]


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
