"""Give each result that is written into an empty or a filled tensor a destination of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext
from .values import defining_op
from .walk import find


@dataclass(frozen=True)
class SplitEmptyTensors(Pass):
    """Copy `tensor.empty`, and `linalg.fill` of it, for each operation that writes into it.

    CSE makes one of all that are equal. Bufferisation would then keep one buffer alive from the first writer to the
    last, and copy a filled one for each that accumulates in it. Run it last before bufferisation.
    """

    name: ClassVar[str] = "split-empty-tensors"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Split the fills, then the empty tensors, those of the new fills among them."""
        for name in ("linalg.fill", "tensor.empty"):
            for source in find(op, lambda inner, name=name: inner.name == name and len(inner.results) == 1):  # type: ignore[misc]
                self._split(source, ctx)

    def _split(self, source: ir.Operation, ctx: PassContext) -> None:
        if source.name == "linalg.fill" and not _is_empty(source.operands[1]):
            return
        uses = list(source.results[0].uses)
        written = [use for use in uses if _is_destination(use.owner.operation, use.operand_number)]
        if len(uses) < 2:
            return
        for use in written:
            user = use.owner.operation
            with ir.InsertionPoint(user), source.location:
                user.operands[use.operand_number] = source.clone().results[0]
            ctx.count("destinations split")
        if len(written) == len(uses):
            source.erase()


def _is_empty(value: ir.Value) -> bool:
    source = defining_op(value)
    return source is not None and source.name == "tensor.empty"


def _is_destination(op: ir.Operation, operand: int) -> bool:
    """Tell whether an operand is the tensor that a result of `op` is written into."""
    if op.name == "tensor.insert_slice":
        return operand == 1
    return (op.name.startswith("linalg.") or op.name == "scf.forall") and operand >= len(op.operands) - len(op.results)
