"""Outline the repeated layers of a network on tensors, so that they are lowered and compiled once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir, linalg
from ..kernels.weight_emit import WEIGHTS_ATTRIBUTE
from .base import Pass, PassContext, option
from .block_sequence import BlockSequence, Place, is_carried
from .flatten_batches import broadcast_matrix
from .layer import LAYER
from .prepare_entry import find_entry
from .repeats import Repeat, find_repeats
from .values import defining_op
from .walk import captured, find

LAYER_FUNCTION: str = "slipstick_layer_"
_REARRANGING = frozenset({"linalg.broadcast", "linalg.transpose", "tensor.collapse_shape", "tensor.expand_shape"})
_CANDIDATES = 8
"""Repeats that are tried, best first, before it is taken that there are none."""


@dataclass(frozen=True)
class OutlineLayers(Pass):
    """Move what repeats in the entry function into functions, called with the operands of each repeat.

    Stretches of operations repeat where they are equal in all but locations, `slipstick.layer` and the values from
    outside that they read; L-Mul marks and decisions are attributes, so those have to be equal too. What is cheap
    (constants, empty and filled tensors) and decoded weights come along. An operation that several repeats share, as
    all layers share a mask, is moved ahead of the first. Of what `slipstick.layer` says, the function keeps what all
    repeats have in common, with `*` in place of the rest.

    Run it before operations are fused, so that those passes see one layer; of the places where a repeat could begin,
    one in front of a contraction is taken, across which nothing would be fused.
    """

    name: ClassVar[str] = "outline-layers"
    anchor: ClassVar[str | None] = "builtin.module"
    min_operations: int = option(12, "operations that a repeat has at least, not counting what is cheap")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Outline until nothing is left that repeats; raise where there is no entry function."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        if len(entry.regions[0].blocks) != 1:
            return
        block = entry.regions[0].blocks[0]
        while (found := self._best(BlockSequence.of(block))) is not None:
            _outline(op, *found)
            ctx.count("layers outlined", len(found[1].starts))
            ctx.count("functions")

    def _best(self, sequence: BlockSequence) -> tuple[BlockSequence, Repeat] | None:
        """Return the repeat to outline, and the sequence that it is a part of."""
        candidates = find_repeats(comparable(sequence), self.min_operations)
        for _, candidate in zip(range(_CANDIDATES), candidates, strict=False):
            if (shared := share(sequence, candidate)) is not None:
                return self._best(shared)
            repeat = _isomorphic(sequence, min(_rotations(candidate), key=lambda r: _boundary(sequence, r)))
            if len(repeat.starts) > 1:
                return sequence, repeat
        return None


def comparable(sequence: BlockSequence) -> list[int]:
    """Return the codes, with a number of its own for each operation that stays where it is."""
    fixed = ("func.return", "func.call")
    return [
        -1 - position if op.name in fixed else code
        for position, (op, code) in enumerate(zip(sequence.operations, sequence.codes, strict=True))
    ]


def _rotations(repeat: Repeat) -> list[Repeat]:
    return [repeat.rotated(by) for by in range(repeat.slack + 1)]


def _boundary(sequence: BlockSequence, repeat: Repeat) -> tuple[bool, int, int]:
    """Say how bad a boundary is: whether it may part what would be fused, and how many results and arguments it has.

    Those of an occurrence with neighbours.
    """
    start = repeat.starts[len(repeat.starts) // 2]
    results, arguments = sequence.results(start, repeat.length), sequence.arguments(start, repeat.length)
    return not _begins_with_contraction(sequence, start), len(results), len(arguments)


def _begins_with_contraction(sequence: BlockSequence, start: int) -> bool:
    """Tell whether the first operation from there on that does more than rearrange is a product with one matrix."""
    for op in sequence.operations[start:]:
        if op.name == "linalg.batch_matmul":
            # That of a batch with itself is a part of attention.
            return broadcast_matrix(op.operands[1]) is not None
        if not _rearranges(op):
            return bool(linalg.isa_contraction_op(op))
    return False


def _rearranges(op: ir.Operation) -> bool:
    if op.name == "linalg.generic" and len(op.results) == 1:
        return broadcast_matrix(op.results[0]) is not None
    return op.name in _REARRANGING


def _isomorphic(sequence: BlockSequence, repeat: Repeat) -> Repeat:
    """Return the repeat with those occurrences alone whose data flow is that of most."""
    groups: dict[object, list[int]] = defaultdict(list)
    for start in repeat.starts:
        groups[sequence.data_flow(start, repeat.length)].append(start)
    largest: list[int] = max(groups.values(), key=len)
    return Repeat(tuple(largest), repeat.length)


def share(sequence: BlockSequence, repeat: Repeat) -> BlockSequence | None:
    """Move what several occurrences share ahead of all of them; return the sequence then, None if nothing was moved.

    CSE leaves it in the first layer, which it makes different from the others. It is recognised by uses that lie more
    than a period apart, and moved if it takes but a few operations with it.
    """
    period = repeat.starts[1] - repeat.starts[0]
    begin = max(0, repeat.starts[0] - period)
    moved: set[int] = set()
    for position in range(begin, repeat.starts[1]):
        readers = [r for result in sequence.operations[position].results for r in sequence.readers.get(result, ())]
        if readers and max(readers) - position > period:
            needed = _needed(sequence, position, begin)
            if len(needed) <= period // 2 and all(_is_pure(sequence.operations[p]) for p in needed):
                moved |= needed
    if moved == set(range(begin, begin + len(moved))):
        return None
    first = next(position for position in range(begin, repeat.starts[1]) if position not in moved)
    ahead = sorted(p for p in moved if p > first)
    _move(sequence, ahead, sequence.operations[first])
    rest = (position for position in range(first, len(sequence.operations)) if position not in moved)
    return sequence.reordered([*range(first), *ahead, *rest])


def _needed(sequence: BlockSequence, position: int, begin: int) -> set[int]:
    """Return the positions from `begin` on that must come before `position`, itself included."""
    needed, left = {position}, [position]
    while left:
        for value in sequence.reads[left.pop()]:
            place = sequence.places.get(value, (-1, 0))[0]
            if place >= begin and place not in needed:
                needed.add(place)
                left.append(place)
    return needed


def _is_pure(op: ir.Operation) -> bool:
    dialects = ("arith.", "linalg.", "math.", "tensor.", "tm_tensor.")
    return not find(op, lambda inner: not inner.name.startswith(dialects))


def _move(sequence: BlockSequence, positions: Sequence[int], before: ir.Operation) -> None:
    """Move operations, in their order and with what they carry, in front of another one."""
    for position in positions:
        for value in captured(sequence.operations[position]):
            _move_carried(value, before)
        sequence.operations[position].move_before(before)


def _move_carried(value: ir.Value, before: ir.Operation) -> None:
    op = defining_op(value)
    if op is None or op.block != before.block or not is_carried(op) or op.is_before_in_block(before):
        return
    for operand in captured(op):
        _move_carried(operand, before)
    op.move_before(before)


def _outline(module: ir.Operation, sequence: BlockSequence, repeat: Repeat) -> None:
    """Make a function of the first occurrence and calls of all of them."""
    places = sorted({place for start in repeat.starts for place in sequence.results(start, repeat.length)})
    function = _function(module, sequence, repeat, places)
    # Arguments of later calls may be results of earlier occurrences: each is looked up when its call is made.
    replaced: dict[ir.Value, ir.Value] = {}
    for start in repeat.starts:
        arguments = [replaced.get(value, value) for value in sequence.arguments(start, repeat.length)]
        operations = sequence.operations[start : start + repeat.length]
        with ir.InsertionPoint(operations[0]), operations[0].location:
            call = func.CallOp(function, arguments)
        for (position, number), result in zip(places, call.results, strict=True):
            old = operations[position].results[number]
            replaced[old] = result
            old.replace_all_uses_with(result)
    _erase(sequence, repeat)


def _function(module: ir.Operation, sequence: BlockSequence, repeat: Repeat, places: list[Place]) -> func.FuncOp:
    start = repeat.starts[0]
    arguments = sequence.arguments(start, repeat.length)
    operations = sequence.operations[start : start + repeat.length]
    results = [operations[position].results[number].type for position, number in places]
    with ir.Location.unknown(module.context), ir.InsertionPoint(module.regions[0].blocks[0]):
        type_ = ([value.type for value in arguments], results)
        function = func.FuncOp(_unused_name(module), type_, visibility="private")
    entry = function.add_entry_block()
    values = dict(zip(arguments, entry.arguments, strict=True))
    with ir.InsertionPoint(entry):
        for offset, op in enumerate(operations):
            copy = _clone(op, values, {})
            layers = [sequence.operations[other + offset].attributes for other in repeat.starts]
            if all(LAYER in attributes for attributes in layers):
                name = common_layer([attributes[LAYER].value for attributes in layers])
                copy.attributes[LAYER] = ir.StringAttr.get(name, module.context)
            values.update(zip(op.results, copy.results, strict=True))
        with ir.Location.unknown(module.context):
            func.ReturnOp([values[operations[position].results[number]] for position, number in places])
    return function


def _clone(op: ir.Operation, values: dict[ir.Value, ir.Value], carried: dict[ir.Value, ir.Value]) -> ir.Operation:
    """Clone `op` with what it carries; `values` are those that stand for values of the original.

    Each reader of an empty or filled tensor gets one of its own: bufferisation need not copy it.
    """
    for value in captured(op):
        definition = defining_op(value)
        if value in values or value in carried or definition is None or not is_carried(definition):
            continue
        copied = _clone(definition, values, carried)
        if LAYER in copied.attributes:
            del copied.attributes[LAYER]
        again = dict(zip(definition.results, copied.results, strict=True))
        kept = values if definition.name == "arith.constant" or WEIGHTS_ATTRIBUTE in definition.attributes else carried
        kept.update(again)
    copy = op.clone()
    for inner in find(copy, lambda _: True):
        for number, operand in enumerate(inner.operands):
            if operand in values:
                inner.operands[number] = values[operand]
            elif operand in carried:
                inner.operands[number] = carried[operand]
    return copy


def common_layer(names: Sequence[str]) -> str:
    """Return a pattern for the paths of several modules: parts where they differ are `*`.

    Paths of different depths have their beginning in common.
    """
    parts = [name.split(".") for name in names]
    shortest = min(len(path) for path in parts)
    merged = [path[0] if len(set(path)) == 1 else "*" for path in zip(*(p[:shortest] for p in parts), strict=True)]
    return ".".join(merged + ["*"] * any(len(path) > shortest for path in parts))


def _erase(sequence: BlockSequence, repeat: Repeat) -> None:
    """Erase all occurrences, and what is carried and no longer read: readers first."""
    left = [op for start in repeat.starts for op in sequence.operations[start : start + repeat.length]]
    for view in reversed(list(sequence.block.operations)):
        op = view.operation
        if left and op == left[-1]:
            left.pop().erase()
        elif is_carried(op) and not any(True for _ in op.results[0].uses):
            op.erase()


def _unused_name(module: ir.Operation) -> str:
    symbols, number = ir.SymbolTable(module), 0
    while f"{LAYER_FUNCTION}{number}" in symbols:
        number += 1
    return f"{LAYER_FUNCTION}{number}"
