"""Bottleneck adapters: down, a nonlinearity, up; behind a layer or beside it; with dense or Kronecker factors."""

from __future__ import annotations

import torch
from torch import nn

from .attach import Adapted, small


class Bottleneck(nn.Module):
    """f32 [..., inputs] -> [..., outputs], through `rank` elements and a ReLU."""

    def __init__(self, inputs: int, outputs: int, rank: int):
        super().__init__()
        self.down = nn.Linear(inputs, rank)
        self.up = nn.Linear(rank, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the adapter adds."""
        added: torch.Tensor = self.up(torch.relu(self.down(x)))
        return added


class SerialAdapter(Adapted):
    """Houlsby's: an adapter with a residual behind the last linear layer of attention and of the feed-forward part."""

    def __init__(self, base: nn.Linear, rank: int):
        super().__init__(base)
        self.adapter = Bottleneck(self.outputs, self.outputs, rank)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        y: torch.Tensor = self.base(x)
        result: torch.Tensor = y + self.adapter(y)
        return result


class ParallelAdapter(nn.Module):
    """He's (PA): an adapter beside a feed-forward part; scaled by a number, which may be trained."""

    def __init__(self, part: nn.Module, width: int, rank: int, *, scale: float | None = None):
        super().__init__()
        self.part = part
        self.adapter = Bottleneck(width, width, rank)
        self.scale = None if scale is None else nn.Parameter(torch.tensor(scale))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the part's result and the adapter's, added."""
        added = self.adapter(x)
        result: torch.Tensor = self.part(x) + (added if self.scale is None else self.scale * added)
        return result


class CompacterLayer(nn.Module):
    """Compacter's (PHM) linear layer: its weight is a sum of n Kronecker products A_i x (s_i t_i), A_i n x n.

    f32 [..., inputs] -> [..., outputs]; n divides both. The weight itself is never made.
    """

    def __init__(self, inputs: int, outputs: int, terms: int):
        super().__init__()
        self.terms = terms
        self.rule = small(terms, terms, terms)
        self.left = small(terms, inputs // terms)
        self.right = small(terms, outputs // terms)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product of x with the weight, and the bias."""
        parts = x.view(*x.shape[:-1], self.terms, -1)
        reduced = torch.einsum("...ap,ip->...ai", parts, self.left)
        mixed = torch.einsum("...ai,iab->...bi", reduced, self.rule)
        return torch.einsum("...bi,iq->...bq", mixed, self.right).flatten(-2) + self.bias


class CompacterAdapter(Adapted):
    """Compacter: a serial adapter of two such layers."""

    def __init__(self, base: nn.Linear, rank: int, terms: int = 4):
        super().__init__(base)
        self.down = CompacterLayer(self.outputs, rank, terms)
        self.up = CompacterLayer(rank, self.outputs, terms)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        y: torch.Tensor = self.base(x)
        added: torch.Tensor = self.up(torch.relu(self.down(y)))
        return y + added


class KroneckerLinear(Adapted):
    """KronA: beside a linear layer, a product with the Kronecker product of A [n, n] and B [outputs/n, inputs/n]."""

    def __init__(self, base: nn.Linear, factor: int, scale: float = 2.0):
        super().__init__(base)
        self.scale = scale
        self.left = small(factor, factor)
        self.right = small(self.outputs // factor, self.inputs // factor)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        parts = x.view(*x.shape[:-1], self.left.shape[1], -1) @ self.right.T
        added = (self.left @ parts).flatten(-2)
        result: torch.Tensor = self.base(x) + self.scale * added
        return result
