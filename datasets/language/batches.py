"""Which text and which schedule a training step takes: functions of seed and step alone, with no state to save."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import torch

from ...compiler.skip_schedule import SkipSchedule
from ..skip_cost import schedule_of_mean
from .corpus import TRAIN, Corpus
from .documents import NOTES

WARMUP_LAYERS: Final = 1
"""Layers that every schedule runs first, here and in the study."""
LEAST_SHARE: Final = 0.2
"""Of the layers, in the mean: of the steepest schedule that is trained with."""
_NOTES_AS_OFTEN: Final = 3
"""How often an epoch sees the notes, of which there are few; the documentation once."""


@dataclass(frozen=True)
class Batches:
    """The training side of a corpus in random order."""

    blocks: torch.Tensor
    """int64 [blocks, tokens + 1]: an input and, one further, what is to come."""
    rows: int
    """Of a batch."""
    seed: int

    def at(self, step: int) -> torch.Tensor:
        """Return the batch of a step, int64 [rows, tokens + 1]: every epoch has an order of its own."""
        number, wanted = step * self.rows, self.rows
        found = []
        while wanted:
            epoch, place = divmod(number, len(self.blocks))
            taken = self._order(epoch)[place : place + wanted]
            found.append(taken)
            number, wanted = number + len(taken), wanted - len(taken)
        return self.blocks[torch.cat(found)]

    def _order(self, epoch: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.blocks), generator=generator)


def batches(corpus: Corpus, tokens: int, rows: int, seed: int) -> Batches:
    """Return batches of `rows` blocks of `tokens`, and the one behind each, of all parts of a corpus."""
    parts = []
    for part in corpus.parts:
        parts += [corpus.blocks(part, TRAIN, tokens + 1)] * (_NOTES_AS_OFTEN if part == NOTES else 1)
    return Batches(torch.cat(parts), rows, seed)


def training_schedule(layers: int, tokens: int, seed: int, step: int) -> SkipSchedule:
    """Return the schedule of a training step: a straight line whose mean, steepness and beginning are drawn.

    The mean depth is `LEAST_SHARE` of the layers to all of them, the prompt an eighth to half of the tokens; the depth
    stays the same from there, or falls by up to as much as the mean allows.
    """
    draw = random.Random(f"schedule {seed} {step}")
    start = draw.randint(tokens // 8, tokens // 2)
    share = draw.uniform(LEAST_SHARE, 1.0)
    spread = draw.uniform(0.0, 1.0)
    return schedule_of_mean(layers, share, warmup=WARMUP_LAYERS, start=start, length=tokens, spread=spread)
