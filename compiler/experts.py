"""Mixtures of experts of transformers, in a form without sizes that depend on data.

Of its own forms, "eager" loops over the experts that some token chose and "grouped_mm" sorts tokens by expert: both
compute with as many rows as the tokens' values say, which no static graph has. While a module is exported, the forms
below take their places; they compute the same sums. "batched_mm", where a user chose it, is left alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor

_MODULE: Final = "transformers.integrations.moe"
_REPLACED: Final = ("grouped_mm", "eager")


@contextmanager
def static_experts() -> Iterator[None]:
    """Let experts of transformers, where that is in use, run in a form that can be exported while the block runs."""
    functions = getattr(sys.modules.get(_MODULE), "ALL_EXPERTS_FUNCTIONS", None)
    if functions is None:
        yield
        return
    own = functions._local_mapping
    before = dict(own)
    own.update(dict.fromkeys(_REPLACED, _run_experts))
    try:
        yield
    finally:
        own.clear()
        own.update(before)


def _run_experts(experts: Any, states: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of what each token's experts make of it, f32 [tokens, width].

    `states` are [tokens, width], `chosen` and `weights` [tokens, experts a token]. Where fewer experts are chosen than
    there are, as by one token, their weights are gathered; else each expert computes all tokens, and those that did
    not choose it count 0 times.
    """
    choices = chosen.shape[0] * chosen.shape[1]
    if isinstance(choices, int) and choices <= experts.num_experts:
        batched = sys.modules[_MODULE].batched_mm_experts_forward
        gathered: Tensor = batched(experts, states, chosen, weights)
        return gathered
    everyone = torch.arange(experts.num_experts, device=chosen.device)
    shares = ((chosen.unsqueeze(-1) == everyone).to(weights.dtype) * weights.unsqueeze(-1)).sum(1)
    total = torch.zeros_like(states)
    for number in range(experts.num_experts):
        total = total + shares[:, number, None] * _expert(experts, number, states)
    return total


def _expert(experts: Any, number: int, states: Tensor) -> Tensor:
    """Return what one expert makes of all tokens."""
    if experts.has_gate:
        inner = experts._apply_gate(_linear(experts, "gate_up_proj", number, states))
    else:
        inner = experts.act_fn(_linear(experts, "up_proj", number, states))
    result = _linear(experts, "down_proj", number, inner)
    return experts.post_expert_norm(result) if experts.has_post_expert_norm else result


def _linear(experts: Any, name: str, number: int, states: Tensor) -> Tensor:
    weight = getattr(experts, name)[number]
    bias = getattr(experts, f"{name}_bias")[number] if experts.has_bias else None
    return torch.nn.functional.linear(states, weight.T if experts.is_transposed else weight, bias)
