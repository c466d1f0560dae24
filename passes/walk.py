"""Finding operations, and what they read."""

from __future__ import annotations

from collections.abc import Callable

from ..bindings import ir


def find(root: ir.Operation, wanted: Callable[[ir.Operation], bool]) -> list[ir.Operation]:
    """Return the operations under `root`, itself included, for which `wanted` holds: inner ones before outer ones.

    A list, so that the caller may erase and replace what was found: a walk must not lose the ground under it.
    """
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        if wanted(op):
            found.append(op)
        return ir.WalkResult.ADVANCE

    root.walk(visit)
    return found


def captured(op: ir.Operation) -> list[ir.Value]:
    """Return the values from outside `op` that it and its regions read, in order, with repetitions."""
    inside: set[ir.Value] = set()
    found: list[ir.Value] = []

    def visit(inner: ir.Operation) -> ir.WalkResult:
        for region in inner.regions:
            for block in region.blocks:
                inside.update(block.arguments)
        found.extend(operand for operand in inner.operands if operand not in inside)
        inside.update(inner.results)
        return ir.WalkResult.ADVANCE

    op.walk(visit, ir.WalkOrder.PRE_ORDER)
    return found
