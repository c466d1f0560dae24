"""What a SkipDecode schedule should save: the bytes that a decode step reads, at each depth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import torch

from ..compiler.skip_schedule import SkipSchedule
from ..errors import ArgumentError

if TYPE_CHECKING:
    # Training, which needs the schedules alone, runs without a compiler.
    from .generator import Generator

_OF_A_LAYER = re.compile(r"\.(?:layers|h)\.\d+\.")


@dataclass(frozen=True)
class StepBytes:
    """The bytes that a decode step reads: weights as native code holds them, and whole caches."""

    layers: int
    layer: float
    """Of one layer: its weights and its caches."""
    rest: int
    """Of what runs at every depth: the language head."""

    def at(self, depth: float) -> float:
        """Return the bytes at a depth, which may be a mean."""
        return self.rest + depth * self.layer

    def nominal(self, depth: float) -> float:
        """Return how many times as fast as at full depth a step is whose time is that of its bytes."""
        return self.at(self.layers) / self.at(depth)


def step_bytes(generator: Generator, model: torch.nn.Module) -> StepBytes:
    """Return the bytes of the decode steps of a generator that was made of `model`."""
    sizes = generator.step.parameter_bytes
    in_layers = sum(size for name, size in sizes.items() if _OF_A_LAYER.search(name))
    head = model.get_output_embeddings()  # type: ignore[operator]
    names = [name for name, tensor in model.named_parameters(remove_duplicate=False) if tensor is head.weight]
    found = [sizes[f"model.{name}"] for name in names if f"model.{name}" in sizes]
    if not found or not in_layers:
        raise ArgumentError("model: expected a language head and layers among the parameters of the compiled step")
    # Where the weights are narrow a tied head is there twice: the table in f32, and the codes that a step reads.
    return StepBytes(generator.layers, (in_layers + generator.cache_bytes) / generator.layers, min(found))


def schedule_of_mean(
    layers: int, share: float, *, warmup: int, start: int, length: int, spread: float = 1.0
) -> SkipSchedule:
    """Return the straight schedule whose mean depth is nearest to `share` of the layers; the steepest of several.

    It begins at most `spread` of that mean above it, rounded to a layer. Raises `ArgumentError` for a share that is not
    above 0 and at most 1, and for a negative spread.
    """
    if not 0 < share <= 1:
        raise ArgumentError(f"share: expected a number above 0 and at most 1, found {share}")
    if not spread >= 0:
        raise ArgumentError(f"spread: expected a number of at least 0, found {spread}")
    highest = max(1, warmup, round(share * layers * (1 + spread)))

    def badness(pair: Sequence[int]) -> tuple[float, int]:
        schedule = SkipSchedule(pair[0], pair[1], warmup, start, length)
        return abs(schedule.mean_depth() - share * layers), pair[1] - pair[0]

    depths = range(1, min(layers, highest) + 1)
    pairs = [(most, least) for most, least in product(depths, repeat=2) if warmup <= least <= most]
    most, least = min(pairs, key=badness)
    return SkipSchedule(most, least, warmup, start, length)
