"""The pass that says where L-Mul is to be used, and leaves the rewriting to later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from ..kernels.lmul import ScopeClass
from .base import PassContext
from .lmul_options import LMulPass
from .lmul_range import finite_ranges
from .lmul_scope import (
    MARK,
    OPEN_BODIES,
    advice_to_lower,
    check_format,
    in_scope,
    multiplies,
    scope_of,
    structured_op,
)


@dataclass(frozen=True)
class MarkMultiplies(LMulPass):
    """Mark the operations whose multiplies L-Mul is to replace, without rewriting them.

    A mark is the attribute `slipstick.lmul` with the options and the class of scope that was found, on the multiply and
    on the linalg operation that holds it, of named operations on the operation alone: they keep their form. Kernels
    that know L-Mul read the mark there; `lmul{scope=marked}` rewrites what is left. Scopes are told from tensors: run
    this pass before those are lowered.
    """

    name: ClassVar[str] = "lmul-mark"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Mark every multiply under `op` that is in scope; raise where one cannot become L-Mul."""
        lmul = self.configuration()
        for multiply in multiplies(op):
            if not in_scope(multiply, self.scope):
                continue
            if advice_to_lower(multiply) is None:
                check_format(multiply, multiply.results[0].type, lmul, ctx)
                finite_ranges(multiply, lmul, ctx)
            holder = structured_op(multiply)
            mark = self._mark(scope_of(multiply), op.context)
            if holder is not None:
                holder.attributes[MARK] = mark
            if holder is None or holder.name in OPEN_BODIES:
                multiply.attributes[MARK] = mark
            ctx.count("multiplies marked")

    def _mark(self, scope: ScopeClass, context: ir.Context) -> ir.Attribute:
        """Return the mark of a multiply that belongs to `scope`; the paper's offset goes without saying."""
        texts: dict[str, str] = {"rounding": self.rounding, "scope": scope, "specials": self.specials}
        if self.offset != "paper":
            texts["offset"] = self.offset
        with context:
            bits = ir.IntegerAttr.get(ir.IntegerType.get_signless(64), self.mantissa_bits)
            return ir.DictAttr.get(
                {"mantissa_bits": bits, **{name: ir.StringAttr.get(text) for name, text in texts.items()}}
            )
