"""Parameters of inference mode, which torch.export cannot copy and whose changes nobody can notice."""

from __future__ import annotations

import torch

from ..errors import ArgumentError


def leave_inference_mode(module: torch.nn.Module) -> None:
    """Give parameters whose data comes from inference mode, by an assignment in some forward, a copy of it as data.

    The tracer copies each parameter with what it says of gradients, which torch refuses for such data. Raises
    ArgumentError for a parameter that was itself made in that mode: it does not count writes, so that panels made of it
    could be out of date.
    """
    with torch.inference_mode(False), torch.no_grad():
        for name, parameter in module.named_parameters():
            if not parameter.is_inference():
                continue
            parameter.data = parameter.data.clone()
            try:
                parameter._version  # noqa: B018 - reading it is the question
            except RuntimeError:
                raise ArgumentError(
                    f"obj: parameter {name} was made in inference mode, where torch does not tell of writes to it; "
                    "expected a model built or loaded outside torch.inference_mode()"
                ) from None
