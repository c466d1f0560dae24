"""Keep the layers of a decoder apart, so that each can be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import func, ir
from .base import Pass, PassContext, option
from .block_sequence import BlockSequence
from .layer_chain import LEAST_OPERATIONS, Layer, NoLayers, find_layers
from .prepare_entry import find_entry
from .walk import captured, find

CUT_FUNCTION: Final = "slipstick_cut"
CUT_ATTRIBUTE: Final = "slipstick.cut"
"""On a call of that function: the number of the layer behind it; that of the last cut is the number of layers."""
CACHES_ATTRIBUTE: Final = "slipstick.caches"
"""On a cut: pairs of a result of the entry, which the layer makes, and the argument that it is without the layer."""


@dataclass(frozen=True)
class CutLayers(Pass):
    """Put a call that nothing can be moved across between the layers of the entry function, before and behind them.

    It takes the hidden state and stands for it: a fusion of a layer's last operation with the first of the next would
    leave no hidden state that another layer could read. Layers are found by their structure: see `layer_chain`. Run
    it early, when layers still are what the model says; `skip-decode` removes the calls.
    """

    name: ClassVar[str] = "cut-layers"
    anchor: ClassVar[str | None] = "builtin.module"
    min_operations: int = option(LEAST_OPERATIONS, "operations that a layer has at least, not counting what is cheap")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Cut the entry function; raise, with the reason, where no layers are found."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        if len(entry.regions[0].blocks) != 1:
            raise ctx.fail(entry.operation, "cannot find the layers: expected a function of one block")
        try:
            sequence, layers = find_layers(entry.regions[0].blocks[0], self.min_operations)
        except NoLayers as problem:
            raise ctx.fail(problem.where or entry.operation, f"cannot find the layers: {problem}") from problem
        _cut(op, sequence, layers)
        ctx.count("layers found", len(layers))


def cuts_of(entry: func.FuncOp) -> list[ir.Operation]:
    """Return the cuts of a function, in the order of the layers."""
    cuts = find(entry.operation, lambda op: op.name == "func.call" and CUT_ATTRIBUTE in op.attributes)
    return sorted(cuts, key=lambda op: int(op.attributes[CUT_ATTRIBUTE].value))


def _cut(module: ir.Operation, sequence: BlockSequence, layers: Sequence[Layer]) -> None:
    hidden = layers[0].given.type
    with ir.Location.unknown(module.context), ir.InsertionPoint(module.regions[0].blocks[0]):
        function = func.FuncOp(CUT_FUNCTION, ([hidden], [hidden]), visibility="private")
    returned = sequence.operations[-1]
    for number, layer in enumerate(layers):
        operations = sequence.operations[layer.start : layer.end]
        given = layer.given if number == 0 else layers[number - 1].hidden
        call = _call(function, given, number, operations[0])
        caches = [
            ir.DenseI64ArrayAttr.get([result, ir.BlockArgument(source).arg_number], module.context)
            for value, source in layer.caches
            for result, operand in enumerate(returned.operands)
            if operand == value
        ]
        call.attributes[CACHES_ATTRIBUTE] = ir.ArrayAttr.get(caches, module.context)
        for op in operations:
            if given in captured(op):
                _replace(op, given, call.results[0])
    last = layers[-1].hidden
    readers = [use.owner.operation for use in last.uses]
    call = _call(function, last, len(layers), sequence.operations[layers[-1].end])
    inside = set(sequence.operations[layers[-1].start : layers[-1].end])
    for reader in readers:
        if not any(reader == op or reader in find(op, lambda _: True) for op in inside):
            _replace(reader, last, call.results[0])


def _call(function: func.FuncOp, value: ir.Value, number: int, before: ir.Operation) -> ir.Operation:
    with ir.InsertionPoint(before), before.location:
        call = func.CallOp(function, [value]).operation
    i64 = ir.IntegerType.get_signless(64, call.context)
    call.attributes[CUT_ATTRIBUTE] = ir.IntegerAttr.get(i64, number)
    return call


def _replace(root: ir.Operation, old: ir.Value, new: ir.Value) -> None:
    for op in find(root, lambda _: True):
        for number, operand in enumerate(op.operands):
            if operand == old:
                op.operands[number] = new
