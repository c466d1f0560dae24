"""A compiled decode step with its inputs and caches, bound once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..compiler.compiled import CompiledModule
from .decode import step_inputs


class BoundStep:
    """A compiled step with its inputs and caches, bound once: what they hold changes from call to call."""

    def __init__(self, step: CompiledModule, batch: int, tokens: int, slots: int, caches: Sequence[torch.Tensor]):
        empty = torch.zeros(batch, tokens, dtype=torch.int64)
        self._inputs = [tensor.contiguous() for tensor in step_inputs(empty, first=0, context=slots)]
        self._slots = slots
        self._call = step.bind(*self._inputs, *caches)
        self._has_depths = bool(step.depths)

    def fill(self, ids: torch.Tensor, slot: int, padding: torch.Tensor) -> None:
        """Take tokens int64 [batch, tokens] for the slots from `slot` on; `padding` says where each row begins."""
        values = step_inputs(ids, first=slot, context=self._slots, padding=padding)
        for tensor, value in zip(self._inputs, values, strict=True):
            tensor.copy_(value)

    def continue_from(self, padding: torch.Tensor, slot: int) -> None:
        """Be ready for a token at `slot`: the positions and the mask of the slot before."""
        self.fill(torch.zeros(len(padding), 1, dtype=torch.int64), slot - 1, padding)

    def advance(self, tokens: torch.Tensor, slot: int) -> None:
        """Take the next token of each row, int64 [rows], for `slot`, one further than before."""
        ids, positions, slots, mask = self._inputs
        ids[: len(tokens), 0] = tokens
        positions += 1
        slots.fill_(slot)
        mask[..., slot] = 0

    def run(self, depth: int | None = None) -> torch.Tensor:
        """Return the logits of the last token, f32 [batch, vocabulary]."""
        logits: torch.Tensor = self._call(depth if self._has_depths else None)[0]
        return logits[:, -1]
