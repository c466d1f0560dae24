"""Torch's attention kernel for CPUs as the matrix products that it stands for."""

from __future__ import annotations

import torch
from torch import Tensor

_ATEN = torch.ops.aten
FLASH = _ATEN._scaled_dot_product_flash_attention_for_cpu.default


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    attn_mask: Tensor | None = None,
    scale: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return attention, [batch, heads, queries, width], and its probabilities (the kernel has sums for its backward).

    Keys and values may have fewer heads than queries: each is then of several heads that follow each other. The result
    lies in memory as the kernel's does, heads inside of queries: views that fit the one fit the other.
    """
    output, probabilities = _ATEN._scaled_dot_product_attention_math.default(
        query, key, value, attn_mask, dropout_p, is_causal, None, scale=scale, enable_gqa=key.size(1) != query.size(1)
    )
    return output.transpose(1, 2).contiguous().transpose(1, 2), probabilities
