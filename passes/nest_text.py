"""One kernel of a module as a module of its own: the operations that become it, in a function `kernel`."""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import func, ir
from .block_sequence import is_carried
from .encode_weights import PARAMETER_ATTRIBUTE
from .layer import LAYER
from .set_stage import STAGE_ATTRIBUTE
from .values import defining_op
from .walk import captured, find

FUNCTION = "kernel"


def standalone_module(ops: Sequence[ir.Operation], stage: str, parameters: Sequence[ir.Value] = ()) -> ir.Module:
    """Return a module in which `ops`, with the constants and empty tensors that they read, are a function.

    The operations stand in the order in which they need one another; the function returns the results of the last. What
    they read from outside becomes arguments, those in `parameters` with the attribute that says so. Locations and the
    layers that operations come from are left out.
    """
    last = ops[-1]
    with ir.Location.unknown(last.context):
        module = ir.Module.create()
        carried = _carried(ops)
        parts = [*carried, *ops]
        inside = {result for part in parts for result in part.results}
        outside = [value for part in parts for value in captured(part)]
        arguments = list(dict.fromkeys(value for value in outside if value not in inside))
        module.operation.attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get(stage)
        with ir.InsertionPoint(module.body):
            types = [value.type for value in arguments], [result.type for result in last.results]
            function = func.FuncOp(FUNCTION, types)
        entry = function.add_entry_block()
        if parameters:
            marked = {PARAMETER_ATTRIBUTE: ir.UnitAttr.get()}
            attributes = [ir.DictAttr.get(marked if value in parameters else {}) for value in arguments]
            function.arg_attrs = ir.ArrayAttr.get(attributes)
        values = dict(zip(arguments, entry.arguments, strict=True))
        with ir.InsertionPoint(entry):
            for part in parts:
                copy = part.clone()
                _redirect(copy, values)
                values.update(zip(part.results, copy.results, strict=True))
            func.ReturnOp([values[result] for result in last.results])
    for inner in find(module.operation, lambda inner: LAYER in inner.attributes):
        del inner.attributes[LAYER]
    return module


def _carried(ops: Sequence[ir.Operation]) -> list[ir.Operation]:
    """Return what `ops` read that is made again with them, definitions first."""
    found: list[ir.Operation] = []
    seen: set[ir.Value] = set()

    def visit(reader: ir.Operation) -> None:
        for value in captured(reader):
            definition = defining_op(value)
            if definition is not None and is_carried(definition) and value not in seen:
                seen.add(value)
                visit(definition)
                found.append(definition)

    for op in ops:
        visit(op)
    return found


def _redirect(op: ir.Operation, values: dict[ir.Value, ir.Value]) -> None:
    for inner in find(op, lambda _: True):
        for number, operand in enumerate(inner.operands):
            if operand in values:
                inner.operands[number] = values[operand]
