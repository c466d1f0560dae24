"""Example inputs of the zoo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..graph import Sizes, number

if TYPE_CHECKING:
    import torch


def token_ids(sizes: Sizes, tokens: str = "tokens", vocabulary: str = "vocab_size") -> torch.Tensor:
    """Return ids int64 [batch, tokens] from 3 on: what models take for padding and ends is left out."""
    import torch

    return torch.randint(3, number(sizes, vocabulary), (number(sizes, "batch"), number(sizes, tokens)))


def images(sizes: Sizes, side: str = "image_size") -> torch.Tensor:
    """Return images f32 [batch, 3, side, side]."""
    import torch

    return torch.randn(number(sizes, "batch"), 3, number(sizes, side), number(sizes, side))
