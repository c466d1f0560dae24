"""One nest on its own with a choice applied: compiled, and timed beside others on the same operands."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import CodegenError
from ..kernels.choice import Choice
from ..kernels.panels_torch import pack_panels
from ..kernels.weight_arguments import PackedArgument
from ..passes.encode_weights import PARAMETER_ATTRIBUTE
from ..passes.manager import run_pipeline
from ..passes.nests import with_choice
from ..passes.prepare_entry import find_entry
from ..target import Target
from .artifact import Built
from .bound_call import BoundCall
from .build import build, parse
from .encoded import native_arguments
from .mlir_input import mlir_signature
from .options import CompileOptions
from .runtime import NativeFunction, descriptor_tail
from .signature import Signature, TensorSpec

COLD_BYTES = 48 << 20
"""Weights are read from so much memory in turn, as the layers of a model read theirs."""
MOST_COPIES = 24
TURN_S = 0.0005
"""A turn is as many calls as take about this long."""


@dataclass(frozen=True)
class Compiled:
    """A candidate as native code. Raises nothing where the host cannot run it: `built.loaded` is None then."""

    choice: Choice
    built: Built

    @property
    def digest(self) -> str:
        """A hash of the code: candidates of one hash are one kernel."""
        return hashlib.sha256(self.built.artifact.code).hexdigest()[:24]


def compile_choice(text: str, choice: Choice, target: Target, cache_dir: Path | None = None) -> Compiled:
    """Compile a nest's module with a choice. Raises IRError or CodegenError where the choice is illegal."""
    options = CompileOptions(threads=1, target=target, cache_dir=cache_dir)
    module = parse(with_choice(text, choice))
    run_pipeline(module, "builtin.module(prepare-entry)")
    return Compiled(choice, build(str(module), options, target))


class Bench:
    """The operands of a nest, and calls of its candidates with them."""

    def __init__(self, text: str, seed: int = 0):
        module = parse(text)
        self.signature: Signature = mlir_signature(module)
        entry = find_entry(module.operation)
        assert entry is not None, "a nest has an entry"
        attributes = list(entry.arg_attrs) if "arg_attrs" in entry.attributes else []
        self._weights = {number for number, own in enumerate(attributes) if PARAMETER_ATTRIBUTE in own}
        generator = torch.Generator().manual_seed(seed)
        first = [_operand(argument.spec, generator) for argument in self.signature.arguments]
        size = sum(first[number].nbytes for number in self._weights)
        count = min(MOST_COPIES, max(1, -(-COLD_BYTES // size))) if size else 1
        self._sets = [first] + [
            [tensor.clone() if number in self._weights else tensor for number, tensor in enumerate(first)]
            for _ in range(count - 1)
        ]
        self._panels: dict[tuple[int, PackedArgument], torch.Tensor] = {}

    def calls(self, compiled: Compiled) -> list[BoundCall]:
        """Return calls of a candidate, one for each set of operands. Raises CodegenError where it cannot run here."""
        built = compiled.built
        if built.loaded is None or not built.artifact.takes_array:
            raise CodegenError("the kernel cannot be run on this machine")
        address = built.loaded.address(built.artifact.entry)
        arguments = native_arguments(self.signature.arguments, built.artifact.encoded, built.artifact.packed)
        function = NativeFunction(
            address, built.loaded, arguments, self.signature.native_results, takes_array=True, may_return_arguments=True
        )
        found = []
        for number, operands in enumerate(self._sets):
            native = dict(enumerate(operands))
            for packed in built.artifact.packed:
                native[packed.argument] = self._packed(number, packed)
            tensors = [(function.position(n), t.data_ptr(), descriptor_tail(t.shape)) for n, t in native.items()]
            found.append(BoundCall({0: address}, function, function.template(), tensors, [], list(native.values())))
        return found

    def _packed(self, number: int, packed: PackedArgument) -> torch.Tensor:
        # Candidates of one panel width share the panels.
        key = number, replace(packed, argument=packed.source)
        if key not in self._panels:
            matrix = self._sets[number][packed.source]
            self._panels[key] = pack_panels(matrix, packed.axis, packed.width, packed.lmul)
        return self._panels[key]


def time_beside(calls: Sequence[list[BoundCall]], rounds: int) -> list[list[float]]:
    """Return the seconds of a call of each candidate in each of `rounds` rounds, in which all have their turn.

    Each round begins with another one; operands change from call to call.
    """
    steps = [0] * len(calls)

    def turn(which: int, count: int) -> float:
        own = calls[which]
        start = time.perf_counter()
        for _ in range(count):
            own[steps[which] % len(own)]()
            steps[which] += 1
        return (time.perf_counter() - start) / count

    with pinned():
        counts = []
        for which in range(len(calls)):
            turn(which, 1)
            counts.append(max(1, round(TURN_S / max(turn(which, 1), 1e-7))))
        seconds: list[list[float]] = [[] for _ in calls]
        for number in range(rounds):
            for place in range(len(calls)):
                which = (place + number) % len(calls)
                seconds[which].append(turn(which, counts[which]))
    return seconds


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """Keep this thread on one CPU while the block runs: the last of those that it may use."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _operand(spec: Any, generator: torch.Generator) -> torch.Tensor:
    shape = [size for size in spec.shape if isinstance(size, int)] if isinstance(spec, TensorSpec) else []
    if not isinstance(spec, TensorSpec) or len(shape) < len(spec.shape):
        raise CodegenError(f"expected tensors of known sizes to measure with, found {spec}")
    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    # Indices have to be inside of what they index: zero always is.
    return torch.zeros(shape, dtype=dtype)
