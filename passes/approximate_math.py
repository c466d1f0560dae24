"""The pass that turns elementary functions into arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir
from ..kernels.approximations import approximate, can_approximate, can_raise, raise_to
from .base import Pass, PassContext
from .values import constant, defining_op
from .walk import find

SMALLEST = 2.0**-100
"""Divisors of this magnitude and up to its inverse have an inverse that is a normal f32."""


@dataclass(frozen=True)
class ApproximateMath(Pass):
    """Rewrite exp, tanh, erf, log, sin, ... of f16, bf16 and f32 scalars and vectors into branch-free arithmetic.

    So are `math.powf` and `math.fpowi` with a constant exponent of -1, -1/2, 1/2, 1, 2, 3 or 4. Left as they are:
    operations on tensors (`convert-elementwise-to-linalg` brings them to scalars), and on f64 all but rsqrt and those
    powers.
    """

    name: ClassVar[str] = "approximate-math"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite every operation under `op` that has an approximation."""
        for inner in find(op, lambda inner: inner.name.startswith("math.")):
            emit = _replacement(inner)
            if emit is None:
                continue
            _multiply_by_inverse(inner)
            with ir.InsertionPoint(inner), inner.location:
                result = emit()
            inner.results[0].replace_all_uses_with(result)
            inner.erase()
            ctx.count("functions approximated")


def _replacement(op: ir.Operation) -> Callable[[], ir.Value] | None:
    """Return what emits a replacement of the operation; None where it stays."""
    x = op.operands[0]
    if op.name == "math.fpowi":
        integer = constant(op.operands[1])
        power = float(integer.value) if isinstance(integer, ir.IntegerAttr) else math.nan
        return (lambda: raise_to(op.operands[0], power)) if can_raise(x.type, power) else None
    if op.name == "math.powf":
        exponent = _constant_lanes(op.operands[1])
        return (
            None if exponent is None or not can_raise(x.type, exponent) else lambda: raise_to(op.operands[0], exponent)
        )
    return (lambda: approximate(op.name, op.operands[0])) if can_approximate(op.name, x.type) else None


def _multiply_by_inverse(op: ir.Operation) -> None:
    """Where the argument of `op` is a quotient of f32 by a constant, make it a product with the constant's inverse.

    That is one rounding more in the argument of a function that is no exact one, for a tenth of the time. GELU divides
    by the square root of 2.
    """
    quotient = defining_op(op.operands[0])
    if quotient is None or quotient.name != "arith.divf":
        return
    type_ = quotient.results[0].type
    if str(type_.element_type if isinstance(type_, ir.VectorType) else type_) != "f32":
        return
    divisor = _constant_lanes(quotient.operands[1])
    if divisor is None or not SMALLEST <= abs(divisor) <= 1 / SMALLEST:
        return
    with ir.InsertionPoint(op), op.location:
        inverse = _constant(type_, 1 / divisor)
        op.operands[0] = arith.mulf(quotient.operands[0], inverse)


def _constant(type_: ir.Type, value: float) -> ir.Value:
    """Emit a scalar of f32, or a vector of it in every lane."""
    number = ir.FloatAttr.get(ir.F32Type.get(), value)
    lanes = ir.DenseElementsAttr.get_splat(type_, number) if isinstance(type_, ir.VectorType) else number
    return arith.ConstantOp(type_, lanes).result


def _constant_lanes(value: ir.Value) -> float | None:
    """Return the number that every lane of `value` is; None where that is not known."""
    attribute = constant(value)
    if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
        attribute = attribute.get_splat_value()
    return ir.FloatAttr(attribute).value if isinstance(attribute, ir.FloatAttr) else None
