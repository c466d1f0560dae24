"""Methods that train a part of the model's own weights; and scale and shift, which train numbers beside them."""

from __future__ import annotations

import torch
from torch import nn

from .attach import Adapted, freeze, small


class ScaleAndShift(Adapted):
    """SSF: scale and shift each element of a linear layer's result."""

    def __init__(self, base: nn.Linear):
        super().__init__(base)
        self.scale = nn.Parameter(1.0 + 0.05 * torch.randn(self.outputs))
        self.shift = small(self.outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the adapted result of the layer."""
        result: torch.Tensor = self.base(x) * self.scale + self.shift
        return result


class DiffPruned(Adapted):
    """Diff pruning: the weight plus a difference, each element of it behind a hard concrete gate, which is trained too.

    The gate is that of evaluation, without noise: a sigmoid stretched to -0.1 .. 1.1 and cut off at 0 and 1.
    """

    def __init__(self, base: nn.Linear):
        super().__init__(base)
        self.difference = small(self.outputs, self.inputs)
        self.gate = nn.Parameter(torch.randn(self.outputs, self.inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the result of the layer with the changed weight."""
        gates = (torch.sigmoid(self.gate) * 1.2 - 0.1).clamp(0.0, 1.0)
        return nn.functional.linear(x, self.base.weight + gates * self.difference, self.base.bias)


class Masked(Adapted):
    """FishMask: only the weights in a fixed mask change, here a random 2 % of them; the others' gradients are 0."""

    mask: torch.Tensor

    def __init__(self, base: nn.Linear, share: float = 0.02):
        super().__init__(base)
        self.register_buffer("mask", (torch.rand(self.outputs, self.inputs) < share).to(torch.float32))
        self.difference = small(self.outputs, self.inputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the result of the layer with the changed weight."""
        return nn.functional.linear(x, self.base.weight + self.mask * self.difference, self.base.bias)


def train_biases(model: nn.Module) -> nn.Module:
    """BitFit: train every bias and nothing else."""
    freeze(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith("bias"))
    return model


def train_norms(model: nn.Module) -> nn.Module:
    """LayerNorm tuning: train the norms' weights and biases and nothing else."""
    freeze(model)
    for part in model.modules():
        if "norm" in type(part).__name__.lower():
            for parameter in part.parameters(recurse=False):
                parameter.requires_grad_(True)
    return model
