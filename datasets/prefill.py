"""Prompts through compiled steps of several tokens: which steps there are, and which of them take a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from .bound_step import BoundStep

_NARROW: Final = 16
"""Tokens of all rows that the narrowest step takes: up to so many, products read weights where they lie."""
_WIDER: Final = 4
"""How many times as many tokens the next wider step takes: each is a graph to compile."""
_WIDE: Final = 256
"""Tokens of all rows that the widest step takes at most."""
_MOST: Final = 512
"""Tokens of all rows that a step takes at most that is made for prompts of one length: its activations take memory."""
_STEP: Final = 36
"""A step takes as long as its tokens and so many more, which is what reading the weights takes.

Measured for OPT-125M, 16 to 240 tokens, on one Emerald Rapids core. Bytes and operations both grow with the weights.
"""


def step_widths(batch: int, context: int, prompt: int | None) -> tuple[int, ...]:
    """Return the tokens of a row that each step takes which is compiled for prompts, the widest first.

    Without `prompt`, steps for prompts of any length in a context of `context` tokens. With it, the one step for the
    longest prompts that are that long, or, where they have more than 512 tokens in all rows, for equal parts of them.
    """
    if prompt is not None:
        parts = -(-prompt * batch // _MOST)
        return (-(-prompt // parts),)
    rows = [_NARROW]
    while rows[-1] * _WIDER <= _WIDE:
        rows.append(rows[-1] * _WIDER)
    widths = dict.fromkeys(max(1, count // batch) for count in reversed(rows))
    # A prompt is shorter than the context; the narrowest step takes short ones with padding.
    return tuple(width for width in widths if width < context or width == min(widths))


def steps_of(length: int, widths: Sequence[int], batch: int) -> tuple[int, ...]:
    """Return the widths of the steps, the widest first, that take at least `length` tokens in the least time."""
    best: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    for tokens in range(1, length + 1):
        ways = ((width, best[max(0, tokens - width)]) for width in widths)
        best.append(min((cost + width * batch + _STEP, (width, *steps)) for width, (cost, steps) in ways))
    return tuple(sorted(best[length][1], reverse=True))


@dataclass(frozen=True)
class Filled:
    """What prompts left behind."""

    logits: torch.Tensor
    """Of their last tokens, f32 [batch, vocabulary]."""
    padding: torch.Tensor
    """int64 [batch]: slots before each row's first token."""
    end: int
    """The slot behind their last tokens."""
    first: int
    """The slot of the longest prompt's first token."""


class Prefill:
    """The steps that take prompts, by tokens of a row; that of one token is the decode step at full depth.

    Where the steps of a prompt are longer than it is together, the last one stands further left and computes some
    positions once more. Where it is a single step, its first tokens are padding, `slack` at most: so many slots of the
    caches are there for it.
    """

    def __init__(self, steps: Mapping[int, BoundStep], batch: int, slack: int):
        self._steps, self._batch, self._slack = dict(steps), batch, slack

    def widths(self, longest: int) -> tuple[int, ...]:
        """Return the tokens that each step takes for prompts of at most `longest` tokens, in their order."""
        fitting = [width for width in self._steps if width <= longest + self._slack]
        return steps_of(longest, fitting, self._batch)

    def run(self, rows: Sequence[Sequence[int]], longest: int, report: Callable[[int], object]) -> Filled:
        """Fill the caches with prompts; `report` is called with the tokens of the longest that are through."""
        widths = self.widths(longest)
        end = max(longest, widths[0])
        ids = torch.zeros(self._batch, end, dtype=torch.int64)
        # Rows that nobody asked for do what the first one does.
        full = [*rows, *[rows[0]] * (self._batch - len(rows))]
        for number, row in enumerate(full):
            ids[number, end - len(row) :] = torch.tensor(row, dtype=torch.int64)
        padding = torch.tensor([end - len(row) for row in full], dtype=torch.int64)
        logits, done = torch.empty(0), 0
        for width in widths:
            slot = min(done, end - width)
            step = self._steps[width]
            step.fill(ids[:, slot : slot + width], slot, padding)
            logits = step.run()
            done = slot + width
            report(done - (end - longest))
        return Filled(logits, padding, end, end - longest)
