"""The pass that turns elementary functions into arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir
from ..kernels.approximations import (
    approximate,
    approximate_power,
    can_approximate,
    can_power,
    can_raise,
    raise_to,
)
from .base import Pass, PassContext, option
from .values import constant_lanes, defining_op
from .walk import find

SMALLEST = 2.0**-100
"""Divisors of this magnitude and up to its inverse have an inverse that is a normal f32."""


@dataclass(frozen=True)
class ApproximateMath(Pass):
    """Rewrite exp, tanh, erf, log, sin, pow, ... of f16, bf16 and f32 scalars and vectors into branch-free arithmetic.

    `math.powf` and `math.fpowi` with a constant exponent of -1, -1/2, 1/2, 1, 2, 3 or 4 have short forms. Left as they
    are: operations on tensors (`convert-elementwise-to-linalg` brings them to scalars), other powers by `math.fpowi`,
    and on f64 all but rsqrt and those powers.
    """

    name: ClassVar[str] = "approximate-math"
    avx512: bool = option(False, "use instructions of AVX-512F")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite every operation under `op` that has an approximation."""
        for inner in find(op, lambda inner: inner.name.startswith("math.")):
            emit = self._replacement(inner)
            if emit is None:
                continue
            _multiply_by_inverse(inner)
            with ir.InsertionPoint(inner), inner.location:
                result = emit()
            inner.results[0].replace_all_uses_with(result)
            inner.erase()
            ctx.count("functions approximated")

    def _replacement(self, op: ir.Operation) -> Callable[[], ir.Value] | None:
        """Return what emits a replacement of the operation; None where it stays."""
        x = op.operands[0]
        if op.name in ("math.fpowi", "math.powf"):
            exponent = constant_lanes(op.operands[1])
            if exponent is not None and can_raise(x.type, exponent):
                return lambda: raise_to(op.operands[0], exponent)
            if op.name == "math.fpowi" or not can_power(x.type):
                return None
            return lambda: approximate_power(*op.operands, avx512=self.avx512)
        if not can_approximate(op.name, x.type):
            return None
        return lambda: approximate(op.name, op.operands[0], avx512=self.avx512)


def _multiply_by_inverse(op: ir.Operation) -> None:
    """Where the argument of `op` is a quotient of f32 by a constant, make it a product with the constant's inverse.

    That is one rounding more in the argument of a function that is no exact one, for a tenth of the time. GELU divides
    by the square root of 2.
    """
    quotient = defining_op(op.operands[0])
    if quotient is None or quotient.name != "arith.divf":
        return
    type_ = quotient.results[0].type
    if not isinstance(type_.element_type if isinstance(type_, ir.VectorType) else type_, ir.F32Type):
        return
    divisor = constant_lanes(quotient.operands[1])
    if divisor is None or not SMALLEST <= abs(divisor) <= 1 / SMALLEST:
        return
    with ir.InsertionPoint(op), op.location:
        attribute: ir.Attribute = ir.FloatAttr.get(ir.F32Type.get(), 1 / divisor)
        if isinstance(type_, ir.VectorType):
            attribute = ir.DenseElementsAttr.get_splat(type_, attribute)
        inverse = arith.ConstantOp(type_, attribute).result
        op.operands[0] = arith.mulf(quotient.operands[0], inverse)
