"""How likely given continuations are to a compiled model, along a schedule: what its quality is measured by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from ..compiler.skip_schedule import SkipSchedule
from ..errors import ArgumentError
from .generator import Generator
from .prompts import Prompts, read_prompts


class Scores(NamedTuple):
    """Of each token of each continuation."""

    losses: torch.Tensor
    """Negative logarithms of the probabilities, f32 [rows, tokens]; in nats."""
    hits: torch.Tensor
    """Whether the token was the likeliest, bool [rows, tokens]."""


def score(
    generator: Generator, prompts: Prompts, continuations: Sequence[Sequence[int]], schedule: SkipSchedule | None = None
) -> Scores:
    """Return how well a generator foresees continuations of one length, each behind its prompt.

    Prompts run at full depth, and so what the first token is foreseen from; each later token is foreseen by a decode
    step at the depth that `schedule` gives its position, as in `Generator.generate`, over the true tokens before it.
    Raises `ArgumentError` as that does, and where continuations are none, or not one of one length for each prompt.
    """
    rows = read_prompts(prompts, None, generator.vocabulary)
    given = read_prompts(continuations, None, generator.vocabulary)
    if len(given) != len(rows) or len({len(row) for row in given}) != 1:
        raise ArgumentError(f"continuations: expected {len(rows)} of one length, found {[len(row) for row in given]}")
    tokens = torch.tensor(given, dtype=torch.int64)
    losses, hits = torch.empty(tokens.shape), torch.empty(tokens.shape, dtype=torch.bool)
    place = 0

    def force(logits: torch.Tensor) -> torch.Tensor:
        nonlocal place
        wanted = tokens[:, place]
        losses[:, place] = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
        hits[:, place] = logits.argmax(-1) == wanted
        place += 1
        return wanted

    generator.run(rows, tokens.shape[1], force, schedule)
    return Scores(losses, hits)
