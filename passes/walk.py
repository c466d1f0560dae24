"""Finding operations."""

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
