"""Takes a scheduled module apart into kernels: modules of one function that can be lowered on their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..bindings import func, ir
from ..kernels.decision import DECISION_ATTRIBUTE
from ..passes.block_sequence import is_carried
from ..passes.layer import LAYER
from ..passes.set_stage import STAGE_ATTRIBUTE
from ..passes.values import defining_op
from ..passes.walk import captured, find

FUNCTION = "kernel"
_NOT_KERNELS = frozenset({"func.return", "func.call", "linalg.fill", "linalg.transpose"})


@dataclass(frozen=True)
class Kernel:
    """One group of operations that is lowered to one loop nest, or to one contraction."""

    text: str
    """A module with the function `kernel` on tensors, at the stage "scheduled", without locations."""
    kind: str
    """`packed`, `skinny`, `rows`, `attention` of contractions; else `row` for loops over rows, `elementwise`."""
    operations: tuple[str, ...]
    """The names of operations in it, each once, sorted."""


def kernels(root: ir.Operation) -> list[Kernel]:
    """Return the kernels of a module at the stage "scheduled", or of one function of it.

    In order, without what is equal to an earlier one.
    """
    found: dict[str, Kernel] = {}
    for function in find(root, lambda op: op.name == "func.func"):
        for block in function.regions[0].blocks:
            for view in block.operations:
                for kernel in _kernel(view.operation):
                    found.setdefault(kernel.text, kernel)
    return list(found.values())


def _kernel(op: ir.Operation) -> Iterator[Kernel]:
    computes = find(op, lambda inner: inner.name.startswith("linalg.") and not inner.name.startswith("linalg.yield"))
    if not computes or op.name in _NOT_KERNELS or is_carried(op):
        return
    names = sorted({inner.name for inner in find(op, lambda _: True)})
    decisions = find(op, lambda inner: DECISION_ATTRIBUTE in inner.attributes)
    kind = "row" if op.name == "scf.forall" else "elementwise"
    if decisions:
        kind = decisions[0].attributes[DECISION_ATTRIBUTE]["kind"].value
    yield Kernel(_standalone(op), kind, tuple(names))


def _standalone(op: ir.Operation) -> str:
    """Return a module in which `op`, with the constants and empty tensors that it reads, is a function."""
    carried = _carried(op)
    inside = {result for part in carried for result in part.results}
    outside = [value for part in (*carried, op) for value in captured(part)]
    arguments = list(dict.fromkeys(value for value in outside if value not in inside))
    with ir.Location.unknown(op.context):
        module = ir.Module.create()
        module.operation.attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get("scheduled")
        with ir.InsertionPoint(module.body):
            types = [value.type for value in arguments], [result.type for result in op.results]
            function = func.FuncOp(FUNCTION, types)
        entry = function.add_entry_block()
        values = dict(zip(arguments, entry.arguments, strict=True))
        with ir.InsertionPoint(entry):
            for part in (*carried, op):
                copy = part.clone()
                _redirect(copy, values)
                values.update(zip(part.results, copy.results, strict=True))
            func.ReturnOp([values[result] for result in op.results])
    for inner in find(module.operation, lambda inner: LAYER in inner.attributes):
        del inner.attributes[LAYER]
    return str(module.operation.get_asm(use_local_scope=True))


def _carried(op: ir.Operation) -> list[ir.Operation]:
    """Return what `op` reads that is made again with it, definitions first."""
    found: list[ir.Operation] = []
    seen: set[ir.Value] = set()

    def visit(reader: ir.Operation) -> None:
        for value in captured(reader):
            definition = defining_op(value)
            if definition is not None and is_carried(definition) and value not in seen:
                seen.add(value)
                visit(definition)
                found.append(definition)

    visit(op)
    return found


def _redirect(op: ir.Operation, values: dict[ir.Value, ir.Value]) -> None:
    for inner in find(op, lambda _: True):
        for number, operand in enumerate(inner.operands):
            if operand in values:
                inner.operands[number] = values[operand]
