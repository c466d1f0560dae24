"""The pass that says where L-Mul is to be used, and leaves the rewriting to later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from ..bindings import ir
from ..kernels.lmul import LMul
from .base import Pass, PassContext, option
from .lmul_scope import MARK, OPEN_BODIES, in_scope, multiplies, structured_op


@dataclass(frozen=True)
class MarkMultiplies(Pass):
    """Mark the operations whose multiplies L-Mul is to replace, without rewriting them.

    A mark is the attribute `slipstick.lmul` with the options, on the multiply and on the linalg operation that holds
    it, of named operations on the operation alone: they keep their form. Kernels that know L-Mul read the mark there;
    `lmul{scope=marked}` rewrites what is left. Scopes are told from tensors: run this pass before those are lowered.
    """

    name: ClassVar[str] = "lmul-mark"
    mantissa_bits: int = option(4, "leading mantissa bits that an operand keeps")
    rounding: Literal["truncate", "rne"] = option("truncate", "how an operand loses the others")
    specials: Literal["ieee", "finite"] = option(
        "ieee", "zeros, infinities and NaNs as in IEEE 754, or finite operands only"
    )
    scope: Literal["attention", "linear", "elementwise", "all"] = option("all", "which multiplies")

    def __post_init__(self) -> None:
        LMul(self.mantissa_bits, self.rounding, self.specials, self.scope)

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Mark every multiply under `op` that is in scope."""
        with op.context:
            mark = ir.DictAttr.get(
                {
                    "mantissa_bits": ir.IntegerAttr.get(ir.IntegerType.get_signless(64), self.mantissa_bits),
                    "rounding": ir.StringAttr.get(self.rounding),
                    "specials": ir.StringAttr.get(self.specials),
                }
            )
        for multiply in multiplies(op):
            if not in_scope(multiply, self.scope):
                continue
            holder = structured_op(multiply)
            if holder is not None:
                holder.attributes[MARK] = mark
            if holder is None or holder.name in OPEN_BODIES:
                multiply.attributes[MARK] = mark
            ctx.count("multiplies marked")
