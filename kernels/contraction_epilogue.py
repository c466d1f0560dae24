"""The epilogue of the packed matrix product: on a register tile, or row by row on the tile just stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..bindings import arith, ir, vector
from .epilogue import Epilogue, emit_epilogue
from .structured import branch, equal, index, loop

if TYPE_CHECKING:
    from .contraction_panel import Packing


class TileEpilogue:
    """Emits an epilogue for the tiles of a panel, in the function that has the epilogue's operands."""

    def __init__(self, packing: Packing, epilogue: Epilogue, operands: Sequence[ir.Value]):
        self.packing, self.epilogue, self.operands = packing, epilogue, operands

    def on_registers(self, sums: Sequence[ir.Value], places: Sequence[Sequence[ir.Value]]) -> list[ir.Value]:
        """Return what is stored in place of vectors of sums; `places` are row and first column of each."""
        return [
            emit_epilogue(self.epilogue, self.operands, value, row, column)
            for value, (row, column) in zip(sums, places, strict=True)
        ]

    def on_tile(self, c: ir.Value, first: ir.Value, rows: ir.Value, column: ir.Value, columns: ir.Value) -> None:
        """Emit the loop over the rows of a tile of C: `rows` from `first` on, `columns` from `column` on."""
        whole = equal(columns, self.packing.schedule.tile_columns)
        for row in loop(first, arith.addi(first, rows)):
            branch(
                whole,
                [],
                lambda row=row: self._row(c, row, column, None),  # type: ignore[misc]
                lambda row=row: self._row(c, row, column, columns),  # type: ignore[misc]
            )

    def _row(self, c: ir.Value, row: ir.Value, first: ir.Value, columns: ir.Value | None) -> None:
        """Emit a row of a tile; `columns` of a ragged one."""
        type_ = self.packing.vector
        for start in range(0, self.packing.schedule.tile_columns, self.packing.schedule.vector_length):
            column = arith.addi(first, index(start)) if start else first
            if columns is None:
                value = emit_epilogue(self.epilogue, self.operands, vector.load(type_, c, [row, column]), row, column)
                vector.store(value, c, [row, column])
                continue
            left = arith.maxsi(arith.subi(columns, index(start)), index(0))
            mask = vector.create_mask(self.packing.mask_type, [left])
            zero = arith.constant(
                type_, ir.DenseElementsAttr.get_splat(type_, ir.FloatAttr.get(self.packing.element, 0.0))
            )
            value = vector.maskedload(type_, c, [row, column], mask, zero)
            value = emit_epilogue(self.epilogue, self.operands, value, row, column, mask)
            vector.maskedstore(c, [row, column], mask, value)
