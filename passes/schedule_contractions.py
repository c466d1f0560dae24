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
    SkinnySchedule,
    write_decision,
)
from .base import Pass, PassContext, option
from .contraction_dims import CONTRACTIONS, canonical_dims, is_permuted, operand_dims
from .lmul_scope import MARK

MANY_REGISTERS = 32
"""From so many vector registers on, as AVX-512 and NEON have them, tiles are wider and blocks deeper."""


@dataclass(frozen=True)
class ScheduleContractions(Pass):
    """Write a tiling decision on every `linalg.matmul` and `linalg.batch_matmul` of f32 or f64 without broadcasts.

    The register tile fills the vector registers but for one row of B and one broadcast of A (Goto and van de Geijn);
    a panel of B, which is streamed through L1, is at most half as large again, a block of A takes half of L2. Where
    the width of the result is known, a narrower tile is taken if that leaves no ragged panel. A product of at
    most `skinny-rows` rows whose B is stored column after column reads B in place (kind "skinny"). A decision that is
    there already is left alone.
    """

    name: ClassVar[str] = "schedule-contractions"
    vector_bits: int = option(256, "width of a vector register, in bits")
    vector_registers: int = option(16, "number of vector registers")
    l1_bytes: int = option(32 << 10, "size of the first-level data cache, in bytes")
    l2_bytes: int = option(512 << 10, "size of the second-level cache, in bytes")
    skinny_rows: int = option(16, "rows up to which B is read in place; 0: never")

    def __post_init__(self) -> None:
        bits = self.vector_bits
        if not 64 <= bits <= 4096 or bits & (bits - 1):
            raise ArgumentError(f"vector-bits: expected a power of two from 64 to 4096, found {bits}")
        if self.skinny_rows < 0:
            raise ArgumentError(f"skinny-rows: expected at least 0, found {self.skinny_rows}")
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
                rows, columns = _result_sizes(op)
                if rows is not None and rows <= self.skinny_rows and _reads_columns(op):
                    write_decision(op, self.decide_skinny(rows, bits, expands_in_loop(op)))
                else:
                    write_decision(op, self.decide(columns, bits, expands_in_loop(op)))
                ctx.count("contractions scheduled")
        return ir.WalkResult.ADVANCE

    def decide_skinny(self, rows: int, bits: int, expands_in_loop: bool) -> SkinnySchedule:
        """Return the tiling for a few rows: their accumulators, a vector of each column and one of A fill registers."""
        free = self.vector_registers // (2 if expands_in_loop else 1) - 2
        tile_rows = min(rows, 8, max(1, free // 2))
        columns = max(1, min(8, free // (tile_rows + 1)))
        return SkinnySchedule(tile_rows, columns, self.vector_bits // bits)

    def decide(self, columns: int | None, bits: int, expands_in_loop: bool) -> ContractionSchedule:
        """Return the tiling for elements of `bits` bits and a result of so many columns, None: of any.

        L-Mul that expands in the loop needs registers of its own.
        """
        vector = self.vector_bits // bits
        many = self.vector_registers >= MANY_REGISTERS
        vectors_wide = _vectors_wide(columns, vector, 3 if many else 2)
        free = self.vector_registers - vectors_wide - 1
        # The integer sequence of one multiply holds about as many values as a small tile has accumulators.
        rows = max(1, (free // 2 if expands_in_loop else free) // vectors_wide)
        rows = min(rows, 8)
        width = vectors_wide * vector
        panel = min(self.l1_bytes * 3 // 2 * 8 // bits, MAX_PANEL_ELEMENTS)
        k_block = min(384 if many else 256, max(16, _round_down(panel // width, 16)))
        block = min(self.l2_bytes // 2 * 8 // bits, MAX_BLOCK_ELEMENTS)
        m_block = max(rows, _round_down(block // k_block, rows))
        return ContractionSchedule(rows, width, k_block, m_block, vector)


def _vectors_wide(columns: int | None, vector: int, most: int) -> int:
    """Return how many vectors wide the register tile is: the widest, unless a narrower one leaves no ragged panel."""
    if columns is None:
        return most
    whole = [wide for wide in range(most, 0, -1) if columns % (wide * vector) == 0]
    # A panel of one vector has too few accumulators to be chosen where there are others to fill.
    return next((wide for wide in whole if wide > 1 or columns == vector), most)


def _result_sizes(op: ir.Operation) -> tuple[int | None, int | None]:
    """Return the number of rows and of columns of the result, None where one is not known."""
    dims, result = operand_dims(op)[2], ir.ShapedType(op.operands[2].type)
    places = [dims.index(dim) for dim in canonical_dims(op)[2][-2:]]
    rows, columns = (None if result.is_dynamic_dim(p) else int(result.get_dim_size(p)) for p in places)
    return rows, columns


def _reads_columns(op: ir.Operation) -> bool:
    """Return whether the elements of a column of B are neighbours in memory."""
    return operand_dims(op)[1][-1] == canonical_dims(op)[0][-1]


def expands_in_loop(op: ir.Operation) -> bool:
    """Return whether a multiply becomes L-Mul's whole sequence; under "finite", packing does most of it."""
    return MARK in op.attributes and bool(op.attributes[MARK]["specials"].value == "ieee")


def _round_down(value: int, multiple: int) -> int:
    return value // multiple * multiple
