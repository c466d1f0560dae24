"""The small model, of OPT's architecture, and its forward pass along a SkipDecode schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...compiler.skip_schedule import SkipSchedule
from ...errors import ArgumentError
from ...passes.executed_layers import executed_layers
from .corpus import END, PAD


@dataclass(frozen=True)
class Sizes:
    """The sizes of a model; its language head is its embedding table."""

    layers: int = 12
    width: int = 128
    heads: int = 4
    inner: int = 512
    positions: int = 256
    """Longest sequence, in tokens."""


def new_model(sizes: Sizes, vocabulary: int, seed: int) -> Any:
    """Return an `OPTForCausalLM` without dropout, its weights drawn with that seed; f32, on the CPU."""
    import transformers

    config = transformers.OPTConfig(
        vocab_size=vocabulary,
        hidden_size=sizes.width,
        word_embed_proj_dim=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        ffn_dim=sizes.inner,
        max_position_embeddings=sizes.positions,
        dropout=0.0,
        pad_token_id=PAD,
        bos_token_id=END,
        eos_token_id=END,
        attn_implementation="sdpa",
    )
    torch.manual_seed(seed)
    return transformers.OPTForCausalLM(config)


def positions_of_layers(depths: Sequence[int], layers: int, warmup: int) -> list[int]:
    """Return, for each layer, how many positions it runs at: the first so many.

    `depths` are the layers that run at each position. They never rise, and executed sets are nested, so that a layer
    which runs at a position has run at all before. Raises ArgumentError where they rise, or are not from `warmup` to
    `layers`.
    """
    counts = [0] * layers
    before = layers
    for position, depth in enumerate(depths):
        if not warmup <= depth <= before:
            raise ArgumentError(f"depths[{position}]: expected {warmup} to {before} layers, found {depth}")
        before = depth
        for layer in executed_layers(layers, warmup, depth):
            counts[layer] += 1
    return counts


def skipped_logits(model: Any, ids: torch.Tensor, schedule: SkipSchedule | None) -> torch.Tensor:
    """Return the logits, f32 [batch, tokens, vocabulary], of ids int64 [batch, tokens] along a schedule.

    Teacher-forced, what generation computes step by step: up to `schedule.start` all layers run, whatever its
    `max_layers` is, and later position t goes through the layers of `schedule.depth(t)`. A layer's keys and values come
    from the positions that run it, the first so many, so that it is called with these alone and the others pass by.
    It can be differentiated. Without a schedule every layer runs everywhere.
    """
    decoder = model.model.decoder
    tokens, layers = ids.shape[1], len(decoder.layers)
    counts = [tokens] * layers
    if schedule is not None:
        schedule.check_model(layers)
        depths = [layers if position < schedule.start else schedule.depth(position) for position in range(tokens)]
        counts = positions_of_layers(depths, layers, schedule.warmup)
    positions = torch.arange(tokens, device=ids.device)[None]
    hidden = decoder.embed_tokens(ids) + decoder.embed_positions(None, 0, position_ids=positions)
    for layer, count in zip(decoder.layers, counts, strict=True):
        if count == tokens:
            hidden = layer(hidden)
        elif count:
            # Without a mask torch's attention is causal.
            hidden = torch.cat([layer(hidden[:, :count]), hidden[:, count:]], dim=1)
    logits: torch.Tensor = model.lm_head(decoder.final_layer_norm(hidden))
    return logits
