"""The operations of a block as a sequence that can be compared with itself: what each is, and what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..bindings import ir
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .layer import LAYER
from .values import constant, defining_op
from .walk import captured

Place: TypeAlias = tuple[int, int]
"""A value of a sequence: the position of its operation, and which of its results it is."""


@dataclass
class BlockSequence:
    """The operations of a block in order, without those that are cheap to have again ("carried").

    Carried are constants, empty tensors, tensors filled with a constant, and matrices of weights in another form than
    they are stored in, which the contraction that reads them brings back. Upstream's CSE has all uses share one of
    them, which says nothing of the graph. A carried value counts as part of what reads it.
    """

    block: ir.Block
    operations: list[ir.Operation] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    """Equal for operations that differ at most in the values that they read, and in the attribute `slipstick.layer`."""
    reads: list[list[ir.Value]] = field(default_factory=list)
    """For each operation the values that it, its regions and what it carries read, in order, with repetitions."""
    places: dict[ir.Value, Place] = field(default_factory=dict)
    """Where the results of the operations are."""
    readers: dict[ir.Value, list[int]] = field(default_factory=dict)
    """The positions of the operations that read a value."""

    @classmethod
    def of(cls, block: ir.Block) -> BlockSequence:
        """Return the sequence of a block."""
        sequence = cls(block)
        codes: dict[object, int] = {}
        carried: dict[ir.Value, tuple[object, list[ir.Value]]] = {}
        for view in block.operations:
            op = view.operation
            if is_carried(op):
                continue
            key, reads = _key(op, carried)
            sequence._append(op, codes.setdefault(key, len(codes)), reads)
        return sequence

    def reordered(self, order: Sequence[int]) -> BlockSequence:
        """Return the sequence after its operations were moved: which stands where now, by old positions."""
        sequence = BlockSequence(self.block)
        for position in order:
            sequence._append(self.operations[position], self.codes[position], self.reads[position])
        return sequence

    def _append(self, op: ir.Operation, code: int, reads: list[ir.Value]) -> None:
        position = len(self.operations)
        self.operations.append(op)
        self.codes.append(code)
        self.reads.append(reads)
        for number, result in enumerate(op.results):
            self.places[result] = position, number
        for value in dict.fromkeys(reads):
            self.readers.setdefault(value, []).append(position)

    def results(self, start: int, length: int) -> list[Place]:
        """Return which results of a stretch are read outside it; positions count from its start."""
        found = []
        for position in range(start, start + length):
            for number, result in enumerate(self.operations[position].results):
                readers = self.readers.get(result, ())
                if any(not start <= reader < start + length for reader in readers):
                    found.append((position - start, number))
        return found

    def arguments(self, start: int, length: int) -> list[ir.Value]:
        """Return the values from outside that a stretch reads, in order of their first use."""
        found: dict[ir.Value, None] = {}
        for reads in self.reads[start : start + length]:
            for value in reads:
                if not self.is_inside(value, start, length):
                    found[value] = None
        return list(found)

    def data_flow(self, start: int, length: int) -> tuple[object, ...]:
        """Return what each operation of a stretch reads; stretches of equal codes and data flow compute the same."""
        arguments = {value: number for number, value in enumerate(self.arguments(start, length))}
        flow: list[object] = []
        for reads in self.reads[start : start + length]:
            for value in reads:
                if value in arguments:
                    flow.append(arguments[value])
                else:
                    position, number = self.places[value]
                    flow.append((position - start, number))
        return tuple(flow)

    def is_inside(self, value: ir.Value, start: int, length: int) -> bool:
        """Tell whether an operation of a stretch defines `value`."""
        return start <= self.places.get(value, (-1, 0))[0] < start + length


def is_carried(op: ir.Operation) -> bool:
    """Tell whether `op` makes what is had again rather than shared."""
    if op.name == "linalg.fill":
        return constant(op.operands[0]) is not None and is_empty(op.operands[1])
    return op.name in ("arith.constant", "tensor.empty") or WEIGHTS_ATTRIBUTE in op.attributes


def is_empty(value: ir.Value) -> bool:
    """Tell whether `value` is a tensor with no contents yet."""
    op = defining_op(value)
    return op is not None and op.name == "tensor.empty"


def _key(op: ir.Operation, carried: dict[ir.Value, tuple[object, list[ir.Value]]]) -> tuple[object, list[ir.Value]]:
    """Return what `op` is, with what it carries, and the values that these read."""
    outer: list[ir.Value] = []
    try:
        parts: list[object] = [_structure(op, {}, outer)]
    except _HasBranches:
        parts, outer = [object()], captured(op)
    reads: list[ir.Value] = []
    for value in outer:
        definition = defining_op(value)
        if definition is None or not is_carried(definition):
            parts.append(None)
            reads.append(value)
            continue
        if value not in carried:
            carried[value] = _key(definition, carried)
        key, values = carried[value]
        parts.append(key)
        reads += values
    return tuple(parts), reads


class _HasBranches(Exception):
    """An operation with branches inside is taken to be equal to no other."""


def _structure(op: ir.Operation, inside: dict[ir.Value, int], outer: list[ir.Value]) -> tuple[object, ...]:
    """Return all that `op` and its regions are but locations and layers; values stand as numbers.

    `inside` are the numbers of the values defined so far; what is read from outside is appended to `outer`, and stands
    as None. Raises `_HasBranches` where a region has several blocks: in these, values may be read before they are
    defined.
    """
    parts: list[object] = [op.name]
    parts += [item for item in op.attributes.items() if item[0] != LAYER]
    for value in op.operands:
        number = inside.get(value)
        if number is None:
            outer.append(value)
            parts.append(value.type)
        parts.append(number)
    for region in op.regions:
        blocks = list(region.blocks)
        if len(blocks) > 1:
            raise _HasBranches
        for block in blocks:
            for argument in block.arguments:
                inside[argument] = len(inside)
                parts.append(argument.type)
            parts += [_structure(view.operation, inside, outer) for view in block.operations]
    for result in op.results:
        inside[result] = len(inside)
        parts.append(result.type)
    return tuple(parts)
