"""Keep integer divisions from ending the process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ..bindings import arith, ir
from .base import Pass, PassContext
from .values import constant_lanes
from .walk import find

_SIGNED: Final = frozenset({"arith.divsi", "arith.remsi", "arith.floordivsi", "arith.ceildivsi"})
_DIVISIONS: Final = _SIGNED | {"arith.divui", "arith.remui", "arith.ceildivui"}


@dataclass(frozen=True)
class GuardDivisions(Pass):
    """Divide integers by 1 where their divisor is 0, or is -1 and the quotient does not fit.

    x86 ends the process at both, also in lanes of a vector that a mask leaves out and that hold zeros. The quotient of
    the least integer and -1 then wraps to that integer, with the remainder 0, as in torch; by 0 the result is a number
    that means nothing. Divisions by a constant, and of `index`, which come from sizes, are left alone.
    """

    name: ClassVar[str] = "guard-divisions"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Change the divisor of each division under `op`."""
        for division in find(op, lambda inner: inner.name in _DIVISIONS):
            kind = _element(division.operands[1].type)
            known = constant_lanes(division.operands[1])
            if not isinstance(kind, ir.IntegerType) or (known is not None and known not in (0.0, -1.0)):
                continue
            with ir.InsertionPoint(division), division.location:
                division.operands[1] = _guarded(division, kind)
            ctx.count("divisions guarded")


def _element(type_: ir.Type) -> ir.Type:
    return ir.VectorType(type_).element_type if isinstance(type_, ir.VectorType) else type_


def _guarded(division: ir.Operation, kind: ir.IntegerType) -> ir.Value:
    """Emit the divisor that nothing goes wrong with."""
    number, divisor = division.operands

    def same(value: int) -> ir.Value:
        attribute = ir.IntegerAttr.get(kind, value)
        if isinstance(divisor.type, ir.VectorType):
            return arith.ConstantOp(divisor.type, ir.DenseElementsAttr.get_splat(divisor.type, attribute)).result
        return arith.ConstantOp(divisor.type, attribute).result

    bad = arith.cmpi(arith.CmpIPredicate.eq, divisor, same(0))
    if division.name in _SIGNED and kind.width > 1:
        least = arith.cmpi(arith.CmpIPredicate.eq, number, same(-(1 << (kind.width - 1))))
        minus_one = arith.cmpi(arith.CmpIPredicate.eq, divisor, same(-1))
        bad = arith.ori(bad, arith.andi(least, minus_one))
    return arith.select(bad, same(1), divisor)
