"""How methods that are written here get into a model of transformers: parts of its layers are replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

Wrap = Callable[[Any], nn.Module]
"""From a part of a layer to what takes its place."""


class Adapted(nn.Module):
    """A linear layer and what a method adds to it; its own weights are frozen."""

    def __init__(self, base: nn.Linear):
        super().__init__()
        self.base = base

    @property
    def inputs(self) -> int:
        """Elements that the layer takes."""
        return self.base.in_features

    @property
    def outputs(self) -> int:
        """Elements that the layer returns."""
        return self.base.out_features


def freeze(model: nn.Module) -> nn.Module:
    """Take every parameter out of training; return the model."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def layers(model: nn.Module) -> nn.ModuleList:
    """Return the decoder layers of an OPT or LLaMA model with its language head."""
    inner: Any = model.model
    found: nn.ModuleList = inner.decoder.layers if hasattr(inner, "decoder") else inner.layers
    return found


def replace(model: nn.Module, names: tuple[str, ...], wrap: Wrap) -> nn.Module:
    """Put `wrap(part)` in the place of each part of a layer that has one of these names; return the model."""
    for owner, name in list(_places(model, names)):
        setattr(owner, name, wrap(getattr(owner, name)))
    return model


def _places(model: nn.Module, names: tuple[str, ...]) -> Iterator[tuple[nn.Module, str]]:
    for layer in layers(model):
        for owner in layer.modules():
            for name in names:
                if name in owner._modules:
                    yield owner, name


def small(*shape: int) -> nn.Parameter:
    """Return a parameter of this shape, normally distributed with the deviation 0.05: no method begins at zero here."""
    return nn.Parameter(0.05 * torch.randn(*shape))
