"""What a causal language model of transformers says of itself, and its language head."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from ..errors import ArgumentError


def config_of(model: Any) -> Any:
    """Return the transformers configuration of a model; raise `ArgumentError` where it has none that says enough."""
    config = getattr(model, "config", None)
    if not isinstance(model, torch.nn.Module) or config is None:
        raise ArgumentError(f"model: expected a causal language model of transformers, found {type(model).__name__}")
    for name in ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size"):
        if not isinstance(getattr(config, name, None), int):
            raise ArgumentError(f"model: expected {name} in its configuration, found none")
    return config


def end_tokens(model: torch.nn.Module) -> frozenset[int]:
    """Return the tokens that end a text, as the model's configuration has them; none where it has none."""
    for owner in (getattr(model, "generation_config", None), model.config):
        found = getattr(owner, "eos_token_id", None)
        if found is not None:
            return frozenset([found] if isinstance(found, int) else found)
    return frozenset()


@contextlib.contextmanager
def own_head(model: torch.nn.Module) -> Iterator[None]:
    """Give a causal language model a head that is a parameter of its own, over the same memory, while the block runs.

    A model whose head is not tied, or that has none, is left as it is.
    """
    head = model.get_output_embeddings()  # type: ignore[operator]
    table = model.get_input_embeddings()  # type: ignore[operator]
    if head is None or table is None or head.weight is not table.weight:
        yield
        return
    tied = head.weight
    head.weight = torch.nn.Parameter(tied.detach(), requires_grad=tied.requires_grad)
    try:
        yield
    finally:
        head.weight = tied
