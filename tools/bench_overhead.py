"""What a call costs beyond its work: a graph of four tensors of four numbers, whose work is nothing."""

from __future__ import annotations

import ctypes
from dataclasses import asdict
from typing import Any

import torch

from ..compiler.api import compile as compile_graph
from ..compiler.codegen import compile_object, load_object
from ..target import Target
from .bench_timing import Subject, time_in_turns

_EMPTY = "define void @empty(ptr %arguments) {\n  ret void\n}\n"


class _FourTensors(torch.nn.Module):
    """Two inputs, a weight and a bias, f32 [4] each."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((4,), 2.0))
        self.bias = torch.nn.Parameter(torch.ones(4))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return x * weight + y + bias."""
        return x * self.weight + y + self.bias


def measure_overhead(rounds: int) -> dict[str, Any]:
    """Return the seconds of a call of the compiled graph, of the same in torch, and of a ctypes call of nothing."""
    module = _FourTensors().eval()
    inputs = (torch.ones(4), torch.ones(4))
    compiled = compile_graph(module, inputs, threads=1)
    loaded = load_object(compile_object(_EMPTY, Target.host()))
    empty = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(loaded.address("empty"))
    subjects = {
        "slipstick": Subject(lambda: compiled(*inputs), torch.inference_mode),
        "torch eager": Subject(lambda: module(*inputs), torch.inference_mode),
        "ctypes call of nothing": Subject(lambda: empty(0), torch.inference_mode),
    }
    found = time_in_turns(subjects, rounds)
    return {name: asdict(turns.timing) for name, turns in found.items()}


def overhead_line(found: dict[str, Any]) -> str:
    """Say what a call costs."""
    ours, theirs, empty = (
        found[name]["median"] * 1e6 for name in ("slipstick", "torch eager", "ctypes call of nothing")
    )
    return (
        f"A call on four tensors of four numbers takes {ours:.2f} µs (asked for: at most 5 µs), in torch eager "
        f"{theirs:.2f} µs; calling a function that does nothing through ctypes takes {empty:.2f} µs."
    )
