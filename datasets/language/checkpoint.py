"""The state of a training run as one safetensors file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save

from ...errors import ArgumentError
from ...files import write_bytes_atomically

_MOMENTS = ("exp_avg", "exp_avg_sq")


def save_state(path: Path, model: torch.nn.Module, optimiser: torch.optim.AdamW, step: int) -> None:
    """Write weights, AdamW's moments and the number of steps that are done."""
    tensors: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight {name}"] = parameter.detach()
        state = optimiser.state[parameter]
        for moment in _MOMENTS:
            tensors[f"{moment} {name}"] = state[moment]
    write_bytes_atomically(path, save({name: t.contiguous().cpu() for name, t in tensors.items()}, {"step": str(step)}))


def load_state(path: Path, model: torch.nn.Module, optimiser: torch.optim.AdamW) -> int:
    """Put a state back and return the number of steps that are done; 0 where there is no file.

    Raises ArgumentError where the file is another model's.
    """
    if not path.is_file():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        expected = {f"weight {name}": parameter.shape for name, parameter in model.named_parameters()}
        found = {name: torch.Size(file.get_slice(name).get_shape()) for name in _weights(file.keys())}
        if expected != found:
            raise ArgumentError(f"{path}: expected the weights of this model, found those of another")
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(file.get_tensor(f"weight {name}"))
                moments = {moment: file.get_tensor(f"{moment} {name}").to(parameter.device) for moment in _MOMENTS}
                optimiser.state[parameter] = {"step": torch.tensor(float(step), device=parameter.device), **moments}
    return step


def _weights(names: list[str]) -> Iterator[str]:
    return (name for name in names if name.startswith("weight "))
