"""Low-rank updates in forms that `peft` has not: truncated, on a 4-bit base, a mixture, one for each row of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .attach import Adapted, small

# The 16 quantiles of a normal distribution that QLoRA's NF4 format rounds to (Dettmers et al. 2023, appendix E).
NF4 = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)


class LowRank(Adapted):
    """LoRA: y = base(x) + scale · B A x, A [rank, inputs], B [outputs, rank]. `used` of DyLoRA: only so many ranks."""

    def __init__(self, base: nn.Linear, rank: int, *, scale: float = 2.0, used: int | None = None):
        super().__init__(base)
        self.scale = scale
        self.used = rank if used is None else used
        self.a = small(rank, self.inputs)
        self.b = small(self.outputs, rank)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        added = (x @ self.a[: self.used].T) @ self.b[:, : self.used].T
        result: torch.Tensor = self.base(x) + self.scale * added
        return result


class Nf4Linear(nn.Module):
    """A frozen linear layer in 4 bits: codes of NF4, two in a byte, and a scale for each `block` weights of a row."""

    codes: torch.Tensor
    scales: torch.Tensor
    table: torch.Tensor

    def __init__(self, base: nn.Linear, block: int = 32):
        super().__init__()
        self.in_features, self.out_features, self.bias = base.in_features, base.out_features, base.bias
        table = torch.tensor(NF4)
        blocks = base.weight.detach().view(base.out_features, -1, block)
        scales = blocks.abs().amax(-1, keepdim=True)
        nearest = (blocks / scales).unsqueeze(-1).sub(table).abs().argmin(-1).view(base.out_features, -1)
        self.register_buffer("codes", (nearest[:, ::2] | nearest[:, 1::2] << 4).to(torch.uint8))
        self.register_buffer("scales", scales)
        self.register_buffer("table", table)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the product with the decoded weight."""
        codes = self.codes.to(torch.int64)
        nearest = torch.stack((codes & 15, codes >> 4), dim=-1)
        values = self.table[nearest].view(self.out_features, self.scales.shape[1], -1)
        weight = (values * self.scales).view(self.out_features, self.in_features)
        return nn.functional.linear(x, weight, self.bias)


class Mixture(Adapted):
    """A mixture of LoRA experts: each token weighs `experts` updates by a softmax of its own."""

    def __init__(self, base: nn.Linear, rank: int, experts: int = 4, scale: float = 2.0):
        super().__init__(base)
        self.scale = scale
        self.router = small(experts, self.inputs)
        self.a = small(experts, rank, self.inputs)
        self.b = small(experts, rank, self.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        weights = torch.softmax(x @ self.router.T, dim=-1)
        inner = (x @ self.a.flatten(0, 1).T).view(*x.shape[:-1], *self.a.shape[:2])
        added = (inner * weights.unsqueeze(-1)).flatten(-2) @ self.b.flatten(0, 1)
        result: torch.Tensor = self.base(x) + self.scale * added
        return result


class PerRow(Adapted):
    """LoRA with another adapter, of another rank, for each row of the batch; adapter 0 is none.

    The adapters lie one behind the other, padded to the largest rank: A [adapters, rank, inputs] and B [adapters, rank,
    outputs], and a mask [adapters, rank] of the ranks in use times the adapter's scale. Adapter 0 has no rank in use.
    """

    mask: torch.Tensor

    def __init__(self, base: nn.Linear, ranks: Sequence[int], scale: float = 2.0):
        super().__init__(base)
        rank = max(ranks)
        self.a = small(len(ranks) + 1, rank, self.inputs)
        self.b = small(len(ranks) + 1, rank, self.outputs)
        used = torch.tensor([0, *ranks])
        self.register_buffer("mask", torch.where(torch.arange(rank) < used[:, None], scale, 0.0))
        self.rows: torch.Tensor | None = None
        """The adapter of each row, int64 [batch], set before each call by `MixedBatch`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer for x f32 [batch, tokens, inputs]."""
        assert self.rows is not None, "MixedBatch names the adapters"
        inner = torch.bmm(x, self.a[self.rows].transpose(1, 2)) * self.mask[self.rows].unsqueeze(1)
        result: torch.Tensor = self.base(x) + torch.bmm(inner, self.b[self.rows])
        return result


class MixedBatch(nn.Module):
    """A model whose linear layers are `PerRow`: takes the adapter of each row beside the model's own inputs."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, adapters: torch.Tensor, labels: torch.Tensor | None = None) -> object:
        """Run the model on ids int64 [batch, tokens]; `adapters` int64 [batch], 0 for the base model alone."""
        for part in self.model.modules():
            if isinstance(part, PerRow):
                part.rows = adapters
        return self.model(input_ids=input_ids, labels=labels, use_cache=False)
