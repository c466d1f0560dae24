"""Random weights that hide nothing: no bias is left at 0, no norm at 1, no statistic at its first value."""

from __future__ import annotations

import torch


def unsettle(model: torch.nn.Module) -> torch.nn.Module:
    """Move biases, norms and running statistics away from what they are initialised with; return the model."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter), alpha=0.02)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.8, 1.2)
    return model
