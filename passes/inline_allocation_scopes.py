"""Take scopes of stack memory away that hold none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext
from .walk import find

_SCOPE = "memref.alloca_scope"


@dataclass(frozen=True)
class InlineAllocationScopes(Pass):
    """Replace each `memref.alloca_scope` in which nothing is allocated on the stack by what it holds.

    The conversion to OpenMP puts one around each body of a parallel loop. It may hold one block only, so that control
    flow in it cannot be lowered; canonicalisation keeps one with operations that it does not know, as calls of
    intrinsics.
    """

    name: ClassVar[str] = "inline-allocation-scopes"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit every scope without results, inner ones first."""
        for scope in find(op, lambda inner: inner.name == _SCOPE):
            if scope.results or find(scope, lambda inner: inner.name == "memref.alloca"):
                continue
            for operation in list(scope.regions[0].blocks[0].operations)[:-1]:
                operation.operation.move_before(scope)
            scope.erase()
            ctx.count("scopes inlined")
