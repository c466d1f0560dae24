"""Let floating-point reductions be summed in vector order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, linalg
from .base import Pass, PassContext
from .values import defining_op

REDUCTIONS = (arith.AddFOp, arith.MulFOp)


@dataclass(frozen=True)
class ReassociateReductions(Pass):
    """Allow reassociation of the additions and products that accumulate in a linalg reduction.

    linalg gives the iterations of a reduction no order, so partial sums per vector lane are a legal reading of it.
    Scalar loops keep their order, and LLVM its vector units idle, unless the accumulating operation says so.
    """

    name: ClassVar[str] = "reassociate-reductions"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Set `fastmath<reassoc>` on each `addf` or `mulf` that reads the accumulator and is yielded."""
        op.walk(lambda inner: self._visit(inner, ctx))

    def _visit(self, op: ir.Operation, ctx: PassContext) -> ir.WalkResult:
        generic = op.opview
        if isinstance(generic, linalg.GenericOp) and "reduction" in str(generic.iterator_types):
            body = generic.regions[0].blocks[0]
            accumulators = list(body.arguments)[len(generic.inputs) :]
            terminator = body.operations[len(body.operations) - 1]
            for value in terminator.operands:
                accumulate = defining_op(value)
                if (
                    accumulate is not None
                    and isinstance(accumulate.opview, REDUCTIONS)
                    and any(o in accumulators for o in accumulate.operands)
                ):
                    accumulate.attributes["fastmath"] = ir.Attribute.parse("#arith.fastmath<reassoc>")
                    ctx.count("reductions freed")
        return ir.WalkResult.ADVANCE
