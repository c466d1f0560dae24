"""One step of a transformers decoder with static key and value caches, as a plain module of tensors.

A cache is a tensor [batch, heads of keys, context, head width] of fixed size. A step gets the caches of all layers as
inputs, writes keys and values of its tokens at the places `slots` along the context, and attends to the whole context
under an additive mask that hides the places that hold nothing yet.

    step = DecodeStep(model)
    caches = empty_caches(model.config, batch=1, context=512)
    logits = step(*step_inputs(prompt_ids, first=0, context=512), *caches)
    next_id = logits[:, -1:].argmax(-1)
    logits = step(*step_inputs(next_id, first=prompt_ids.shape[1], context=512), *caches)

Works for decoder models of transformers whose attention takes its keys and values from `past_key_values.update` and
that take a ready mask of four dimensions: OPT, LLaMA and its kind (grouped heads too), GPT-2.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from ..errors import ArgumentError


class DecodeStep(torch.nn.Module):
    """A step of a causal language model with the caches as inputs.

    `forward` takes

    - input_ids int64 [batch, tokens], position_ids int64 [batch, tokens];
    - slots int64 [tokens]: where along the context the tokens' keys and values are written, the same in every row;
    - mask f32 [batch, 1, tokens, context]: added to the scores, 0 for what a token sees, else a large negative number;
    - caches f32 [batch, key heads, context, head width]: keys of layer 0, values of layer 0, keys of layer 1, ...

    In place (the default), the caches are overwritten and the result is the logits f32 [batch, tokens, vocabulary];
    otherwise the inputs are left alone and the result is a tuple of the logits and the new caches, in the order of
    the inputs. With `last_only`, the logits are those of the last token, [batch, 1, vocabulary].
    """

    def __init__(self, model: torch.nn.Module, *, in_place: bool = True, last_only: bool = False):
        super().__init__()
        self.model = model
        self.in_place = in_place
        self.last_only = last_only

    def forward(
        self,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor,
        slots: torch.Tensor,
        mask: torch.Tensor,
        *caches: torch.Tensor,
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Compute the logits of the tokens; see the class."""
        layers = [_Layer(*pair, slots, self.in_place) for pair in zip(caches[::2], caches[1::2], strict=True)]
        logits: torch.Tensor = self.model(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=position_ids,
            past_key_values=Cache(layers=list(layers)),
            use_cache=True,
            **({"logits_to_keep": 1} if self.last_only else {}),
        ).logits
        if self.in_place:
            return logits
        return logits, *(tensor for layer in layers for tensor in (layer.keys, layer.values))


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """The cache of one layer for one step."""

    is_compileable = True
    is_sliding = False

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, slots: torch.Tensor, in_place: bool):
        super().__init__()
        self.keys: torch.Tensor = keys
        self.values: torch.Tensor = values
        self.slots = slots
        self.in_place = in_place
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Do nothing: the tensors are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the tokens' keys and values, [batch, key heads, tokens, head width], and return the whole caches."""
        if self.in_place:
            self.keys.index_copy_(2, self.slots, key_states)
            self.values.index_copy_(2, self.slots, value_states)
        else:
            self.keys = self.keys.index_copy(2, self.slots, key_states)
            self.values = self.values.index_copy(2, self.slots, value_states)
        return self.keys, self.values

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the number of places and the first of them."""
        return self.keys.shape[2], 0

    def get_seq_length(self) -> int:
        """Return 0: positions and mask are given, and nothing else may depend on how much is filled."""
        return 0

    def get_max_length(self) -> int:
        """Return the number of places."""
        return self.keys.shape[2]


def empty_caches(config: Any, batch: int, context: int) -> tuple[torch.Tensor, ...]:
    """Return caches full of zeros for a model of this transformers configuration: keys and values of each layer, f32.

    Each is [batch, key heads, context, head width]. Raises ArgumentError where a size is not positive or the model has
    no positions for as long a context.
    """
    if batch < 1 or context < 1:
        raise ArgumentError(f"batch, context: expected positive numbers, found {batch} and {context}")
    longest = getattr(config, "max_position_embeddings", context)
    if context > longest:
        raise ArgumentError(f"context: expected at most {longest} (the positions of the model), found {context}")
    return tuple(torch.zeros(size) for size in cache_sizes(config, batch, context))


def cache_sizes(config: Any, batch: int, slots: int) -> list[tuple[int, int, int, int]]:
    """Return the sizes of all caches, [batch, key heads, slots, head width]: keys and values of each layer in turn."""
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return [(batch, heads, slots, width)] * (2 * config.num_hidden_layers)


def step_inputs(
    input_ids: torch.Tensor, *, first: int, context: int, padding: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return input_ids, position_ids, slots and mask of a step that puts its tokens at the slots from `first` on.

    `input_ids` are int64 [batch, tokens]. `padding`, int64 [batch], says how many of the first slots of each row are
    padding: sequences of different lengths end at one slot. A token sees the slots up to its own that are no padding;
    its position is its slot less the padding. Raises ArgumentError where the tokens do not fit into the context.
    """
    batch, tokens = input_ids.shape
    if first < 0 or first + tokens > context:
        raise ArgumentError(f"first: expected 0 to {context - tokens} for {tokens} tokens of {context}, found {first}")
    if padding is None:
        padding = torch.zeros(batch, dtype=torch.int64)
    slots = torch.arange(first, first + tokens)
    positions = (slots[None, :] - padding[:, None]).clamp(min=0)
    places = torch.arange(context)
    seen = (places <= slots[:, None]) & (places >= padding[:, None, None])
    # Of a padding token, which sees nothing, the softmax is still to be finite.
    mask = torch.zeros(batch, 1, tokens, context).masked_fill(~seen[:, None], torch.finfo(torch.float32).min)
    return input_ids, positions, slots, mask
