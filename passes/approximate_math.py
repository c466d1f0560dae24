"""The pass that turns elementary functions into arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from ..kernels.approximations import approximate, can_approximate, can_raise, raise_to
from .base import Pass, PassContext
from .values import constant
from .walk import find


@dataclass(frozen=True)
class ApproximateMath(Pass):
    """Rewrite exp, tanh, erf, log, sin, ... of f16, bf16 and f32 scalars and vectors into branch-free arithmetic.

    So are `math.powf` with a constant exponent of -1, -1/2, 1/2, 1, 2, 3 or 4. Left as they are: operations on tensors
    (`convert-elementwise-to-linalg` brings them to scalars), and on f64 all but rsqrt and those powers.
    """

    name: ClassVar[str] = "approximate-math"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite every operation under `op` that has an approximation."""
        for inner in find(op, lambda inner: inner.name.startswith("math.")):
            emit = _replacement(inner)
            if emit is None:
                continue
            with ir.InsertionPoint(inner), inner.location:
                result = emit()
            inner.results[0].replace_all_uses_with(result)
            inner.erase()
            ctx.count("functions approximated")


def _replacement(op: ir.Operation) -> Callable[[], ir.Value] | None:
    """Return what emits a replacement of the operation; None where it stays."""
    x = op.operands[0]
    if op.name == "math.powf":
        exponent = _constant_lanes(op.operands[1])
        return (
            None if exponent is None or not can_raise(x.type, exponent) else lambda: raise_to(op.operands[0], exponent)
        )
    return (lambda: approximate(op.name, op.operands[0])) if can_approximate(op.name, x.type) else None


def _constant_lanes(value: ir.Value) -> float | None:
    """Return the number that every lane of `value` is; None where that is not known."""
    attribute = constant(value)
    if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
        attribute = attribute.get_splat_value()
    return ir.FloatAttr(attribute).value if isinstance(attribute, ir.FloatAttr) else None
