"""A transformers model as a function of token ids to one tensor."""

from __future__ import annotations

import torch


class Sequence(torch.nn.Module):
    """One result of a transformers model, without key and value caches.

    Takes ids int64 [batch, tokens]; returns the attribute `result` of what the model returns: "logits" f32 [batch,
    tokens, vocabulary] or "last_hidden_state" f32 [batch, tokens, width].
    """

    def __init__(self, model: torch.nn.Module, result: str):
        super().__init__()
        self.model = model
        self.result = result

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Run the model."""
        found: torch.Tensor = getattr(self.model(input_ids=input_ids, use_cache=False), self.result)
        return found
