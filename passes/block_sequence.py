"""The operations of a block as a sequence that can be compared with itself: what each is, and what it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from ..bindings import ir
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .layer import LAYER
from .values import constant, defining_op
from .walk import captured

Place: TypeAlias = tuple[int, int]
"""A value of a sequence: the position of its operation, and which of its results it is."""

_LAYER_TEXT = re.compile(rf'{re.escape(LAYER)} = "[^"]*"(?:, )?')
_OUTER_VALUE = "<<UNKNOWN SSA VALUE>>"


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
            position = len(sequence.operations)
            sequence.operations.append(op)
            sequence.codes.append(codes.setdefault(key, len(codes)))
            sequence.reads.append(reads)
            for number, result in enumerate(op.results):
                sequence.places[result] = position, number
            for value in dict.fromkeys(reads):
                sequence.readers.setdefault(value, []).append(position)
        return sequence

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
    # A copy outside any function: there values are numbered from 0, and those from outside print alike. More of these
    # than operands are there where regions read some.
    copy = op.clone(ip=False)
    text = copy.get_asm(print_generic_op_form=True, use_local_scope=True, assume_verified=True)
    outer = list(op.operands) if text.count(_OUTER_VALUE) == len(op.operands) else captured(op)
    parts: list[object] = [_LAYER_TEXT.sub("", text)]
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
