"""Kernels as native code, called beside one another on the same operands, without torch-mlir and its bindings."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from ..errors import CodegenError
from ..kernels.panels_torch import pack_panels
from ..kernels.weight_arguments import PackedArgument
from .artifact import Artifact
from .bound_call import BoundCall
from .codegen import load_object
from .encoded import native_arguments
from .runtime import NativeFunction, descriptor_tail
from .signature import Signature, Spec, TensorSpec

COLD_BYTES = 48 << 20
"""Weights are read from so much memory in turn, as the layers of a model read theirs."""
MOST_COPIES = 24
TURN_S = 0.0005
"""A turn is as many calls as take about this long."""


@dataclass(frozen=True)
class Operands:
    """What a nest is called with."""

    signature: Signature
    weights: frozenset[int]
    """The numbers of the arguments that are parameters of a model."""


class Bench:
    """The operands of a nest, and calls of its candidates with them."""

    def __init__(self, operands: Operands, seed: int = 0):
        self.operands = operands
        generator = torch.Generator().manual_seed(seed)
        first = [_operand(argument.spec, generator) for argument in operands.signature.arguments]
        size = sum(first[number].nbytes for number in operands.weights)
        count = min(MOST_COPIES, max(1, -(-COLD_BYTES // size))) if size else 1
        self._sets = [first] + [
            [tensor.clone() if number in operands.weights else tensor for number, tensor in enumerate(first)]
            for _ in range(count - 1)
        ]
        self._panels: dict[tuple[int, PackedArgument], torch.Tensor] = {}

    def calls(self, artifact: Artifact) -> list[BoundCall]:
        """Return calls of a candidate, one for each set of operands. Raises CodegenError where it cannot run here."""
        if not artifact.takes_array:
            raise CodegenError("the kernel cannot be called with an array of arguments")
        loaded = load_object(artifact.code)
        address = loaded.address(artifact.entry)
        signature = self.operands.signature
        arguments = native_arguments(signature.arguments, artifact.encoded, artifact.packed)
        function = NativeFunction(
            address, loaded, arguments, signature.native_results, takes_array=True, may_return_arguments=True
        )
        found = []
        for number, operands in enumerate(self._sets):
            native = dict(enumerate(operands))
            for packed in artifact.packed:
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


def time_beside(
    calls: Sequence[Sequence[Callable[[], object]]], rounds: int, tell: Callable[[int], None] = lambda which: None
) -> list[list[float]]:
    """Return the seconds of a call of each candidate in each of `rounds` rounds, in which all have their turn.

    Each round begins with another one; operands change from call to call, whoever's they are: candidates share weights
    and would find them in the cache where the one before has just read the same. `tell` hears whose turn is next.
    """
    steps = itertools.count()

    def turn(which: int, count: int) -> float:
        own = calls[which]
        tell(which)
        start = time.perf_counter()
        for step in itertools.islice(steps, count):
            own[step % len(own)]()
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


def _operand(spec: Spec, generator: torch.Generator) -> torch.Tensor:
    shape = [size for size in spec.shape if isinstance(size, int)] if isinstance(spec, TensorSpec) else []
    if not isinstance(spec, TensorSpec) or len(shape) < len(spec.shape):
        raise CodegenError(f"expected tensors of known sizes to measure with, found {spec}")
    dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    # Indices have to be inside of what they index: zero always is.
    return torch.zeros(shape, dtype=dtype)
