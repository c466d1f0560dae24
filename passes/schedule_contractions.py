"""Decide how each contraction is tiled: the analytical heuristic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from ..errors import ArgumentError
from ..kernels.decision import (
    DECISION_ATTRIBUTE,
    MAX_BLOCK_ELEMENTS,
    MAX_PANEL_ELEMENTS,
    ContractionSchedule,
    write_decision,
)
from .base import Pass, PassContext, option
from .contraction_dims import CONTRACTIONS, is_permuted
from .lmul_scope import MARK


@dataclass(frozen=True)
class ScheduleContractions(Pass):
    """Write a tiling decision on every `linalg.matmul` and `linalg.batch_matmul` of f32 or f64 without broadcasts.

    The register tile fills the vector registers but for one row of B and one broadcast of A (Goto and van de Geijn);
    a panel of B takes half of L1, a block of A half of L2. A decision that is there already is left alone.
    """

    name: ClassVar[str] = "schedule-contractions"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")
    l1_bytes: int = option(32 << 10, "size of the first-level data cache, in bytes")
    l2_bytes: int = option(512 << 10, "size of the second-level cache, in bytes")

    def __post_init__(self) -> None:
        bits = self.vector_bits
        if not 64 <= bits <= 4096 or bits & (bits - 1):
            raise ArgumentError(f"vector-bits: expected a power of two from 64 to 4096, found {bits}")
        for name in ("vector_registers", "l1_bytes", "l2_bytes"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name.replace('_', '-')}: expected at least 1, found {getattr(self, name)}")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Decide for each contraction under `op`."""
        op.walk(lambda inner: self._visit(inner, ctx))

    def _visit(self, op: ir.Operation, ctx: PassContext) -> ir.WalkResult:
        if op.name in CONTRACTIONS and DECISION_ATTRIBUTE not in op.attributes:
            elements = {str(ir.ShapedType(operand.type).element_type) for operand in op.operands}
            if elements in ({"f32"}, {"f64"}) and is_permuted(op):
                bits = 32 if elements == {"f32"} else 64
                write_decision(op, self.decide(bits, _expands_in_loop(op)))
                ctx.count("contractions scheduled")
        return ir.WalkResult.ADVANCE

    def decide(self, bits: int, expands_in_loop: bool) -> ContractionSchedule:
        """Return the tiling for elements of `bits` bits; L-Mul that expands in the loop needs registers of its own."""
        vector = self.vector_bits // bits
        vectors_wide = 3 if self.vector_registers >= 32 else 2
        free = self.vector_registers - vectors_wide - 1
        # The integer sequence of one multiply holds about as many values as a small tile has accumulators.
        rows = max(1, (free // 2 if expands_in_loop else free) // vectors_wide)
        rows = min(rows, 8)
        columns = vectors_wide * vector
        panel = min(self.l1_bytes // 2 * 8 // bits, MAX_PANEL_ELEMENTS)
        k_block = max(16, _round_down(panel // columns, 16))
        block = min(self.l2_bytes // 2 * 8 // bits, MAX_BLOCK_ELEMENTS)
        m_block = max(rows, _round_down(block // k_block, rows))
        return ContractionSchedule(rows, columns, k_block, m_block, vector)


def _expands_in_loop(op: ir.Operation) -> bool:
    """Return whether a multiply becomes L-Mul's whole sequence; under "finite", packing does most of it."""
    return MARK in op.attributes and bool(op.attributes[MARK]["specials"].value == "ieee")


def _round_down(value: int, multiple: int) -> int:
    return value // multiple * multiple
