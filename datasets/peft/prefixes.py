"""Keys and values in front of every layer's own: prefixes, with gates too, for whole prompts and for decode steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..decode import DecodeStep
from .attach import small


class Prefix(nn.Module):
    """A model with `tokens` trained keys and values in front of those of each layer, f32 [layers, 2, tokens, width].

    `gated`: the prefix of each layer behind a sigmoid, which is trained too.
    """

    def __init__(self, model: Any, tokens: int, *, gated: bool = False):
        super().__init__()
        self.model = model
        config = model.config
        self.heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        self.head_width = config.hidden_size // config.num_attention_heads
        self.prefix = small(config.num_hidden_layers, 2, self.heads, tokens, self.head_width)
        self.gate = small(config.num_hidden_layers, 1, 1, 1, 1) if gated else None

    def values(self) -> torch.Tensor:
        """Return keys and values of each layer, f32 [layers, 2, heads, tokens, head width]."""
        return self.prefix if self.gate is None else torch.sigmoid(self.gate) * self.prefix

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        """Run the model on ids int64 [batch, tokens] behind the prefix."""
        from transformers import DynamicCache

        values = self.values()
        layers, _, heads, tokens, width = values.shape
        batch, length = input_ids.shape
        cache = DynamicCache(config=self.model.config)
        for layer in range(layers):
            keys = values[layer, 0].expand(batch, heads, tokens, width)
            cache.update(keys, values[layer, 1].expand(batch, heads, tokens, width), layer)
        # Positions count from the first token that is no prefix, as in `peft`.
        mask = torch.ones(batch, tokens + length, dtype=torch.int64)
        positions = torch.arange(length).expand(batch, length)
        return self.model(
            input_ids=input_ids, attention_mask=mask, position_ids=positions, past_key_values=cache, labels=labels
        )


class PrefixDecode(nn.Module):
    """A decode step whose caches begin with the prefix: writes it, then does the step. See `DecodeStep`.

    The slots of the prefix are the first of the context; the step's own slots and mask count from there.
    """

    def __init__(self, model: Any, tokens: int, *, in_place: bool = True):
        super().__init__()
        self.prefix = Prefix(model, tokens)
        self.step = DecodeStep(model, in_place=in_place)

    def forward(
        self,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor,
        slots: torch.Tensor,
        mask: torch.Tensor,
        *caches: torch.Tensor,
    ) -> Any:
        """Return the logits of the tokens."""
        values = self.prefix.values()
        places = torch.arange(values.shape[-2])
        written = []
        for number, cache in enumerate(caches):
            one = values[number // 2, number % 2].expand(cache.shape[0], *values.shape[2:])
            if self.step.in_place:
                cache.index_copy_(2, places, one)
            else:
                cache = cache.index_copy(2, places, one)
            written.append(cache)
        return self.step(input_ids, position_ids, slots, mask, *written)
