"""Give each result a start of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext
from .walk import find


@dataclass(frozen=True)
class OwnFills(Pass):
    """Repeat each `linalg.fill` of a new tensor for every operation that reads it.

    One fill that several operations start from must be kept whole while each writes over a copy: filling anew costs a
    write where the copy costs a read and a write, and no memory that lives as long as the function.
    """

    name: ClassVar[str] = "own-fills"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Leave the first reader the fill that is there, give each other one a copy of it and of its empty tensor."""
        for fill in find(op, lambda inner: inner.name == "linalg.fill" and bool(inner.results)):
            empty = fill.operands[1].owner
            if isinstance(empty, ir.Block) or empty.name != "tensor.empty":
                continue
            for use in list(fill.results[0].uses)[1:]:
                user = use.owner.operation
                with ir.InsertionPoint(user):
                    copy = fill.clone()
                    with ir.InsertionPoint(copy):
                        copy.operands[1] = empty.operation.clone().results[0]
                user.operands[use.operand_number] = copy.results[0]
                ctx.count("fills repeated")
