"""A model as a function of tensors to one tensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch


class Called(torch.nn.Module):
    """Calls a model with tensors by name and returns one of its results."""

    def __init__(self, model: torch.nn.Module, keys: tuple[str, ...], result: str, fixed: Mapping[str, Any]):
        super().__init__()
        self.model = model
        self.keys = keys
        self.result = result
        self.fixed = dict(fixed)

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Run the model on one tensor for each of the keys."""
        found: torch.Tensor = getattr(
            self.model(**dict(zip(self.keys, tensors, strict=True)), **self.fixed), self.result
        )
        return found
