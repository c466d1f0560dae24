"""Keep MLIR from folding the angle of two zeros to NaN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, math
from .base import Pass, PassContext
from .walk import find


@dataclass(frozen=True)
class GuardAngles(Pass):
    """Make the second operand of each scalar `math.atan2` 1 with its sign where both are zero.

    The angle is the same: 0 or pi with the sign of the first. Where both are constants, MLIR would fold it to NaN.
    """

    name: ClassVar[str] = "guard-angles"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Change the second operand of each angle under `op`."""
        for angle in find(op, lambda inner: inner.name == "math.atan2"):
            if isinstance(angle.results[0].type, ir.FloatType):
                with ir.InsertionPoint(angle), angle.location:
                    angle.operands[1] = _guarded(*angle.operands)
                ctx.count("angles guarded")


def _guarded(y: ir.Value, x: ir.Value) -> ir.Value:
    zero, one = (arith.ConstantOp(x.type, ir.FloatAttr.get(x.type, value)).result for value in (0.0, 1.0))
    is_origin = arith.andi(*(arith.cmpf(arith.CmpFPredicate.OEQ, value, zero) for value in (y, x)))
    return arith.select(is_origin, math.copysign(one, x), x)
