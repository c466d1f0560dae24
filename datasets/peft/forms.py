"""The two ways in which an adapted model is called by its graphs: for the logits, and for the loss."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn


class Logits(nn.Module):
    """Inference: ids int64 [batch, tokens], and what else the method takes, to logits f32 [batch, tokens, vocabulary].

    `more` names the further inputs.
    """

    def __init__(self, model: nn.Module, more: tuple[str, ...] = ()):
        super().__init__()
        self.model = model
        self.more = more

    def forward(self, input_ids: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """Run the model."""
        given = dict(zip(self.more, more, strict=True))
        logits: torch.Tensor = self.model(input_ids=input_ids, **given, **_no_cache(self.model))["logits"]
        return logits


class Loss(nn.Module):
    """Training: ids and labels int64 [batch, tokens], and what else the method takes, to the loss, one number."""

    def __init__(self, model: nn.Module, more: tuple[str, ...] = ()):
        super().__init__()
        self.model = model
        self.more = more

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """Run the model; the loss is that of predicting the next token."""
        given = dict(zip(self.more, more, strict=True))
        loss: torch.Tensor = self.model(input_ids=input_ids, labels=labels, **given, **_no_cache(self.model))["loss"]
        return loss


def _no_cache(model: nn.Module) -> dict[str, Any]:
    """Return the argument that makes a model of transformers return no cache; the others have none to return."""
    parameters = inspect.signature(model.forward).parameters.values()
    takes = any(one.name == "use_cache" or one.kind is one.VAR_KEYWORD for one in parameters)
    return {"use_cache": False} if takes else {}
