"""The epilogue of the packed matrix product: on a register tile, or row by row on the tile just stored."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..bindings import arith, ir, vector
from .contraction_packing import Packing
from .epilogue import Epilogue, emit_epilogue
from .structured import branch, index, loop


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
        """Emit the loops over a tile of C: `rows` from `first` on, `columns` from `column` on.

        One vector a turn: for several at once, the constants of an elementary function leave no registers.
        """
        length = index(self.packing.schedule.vector_length)
        whole = arith.muli(arith.divsi(columns, length), length)
        left = arith.subi(columns, whole)
        end = arith.addi(first, rows)
        for start in loop(index(0), whole, self.packing.schedule.vector_length):
            at = arith.addi(column, start)
            for row in loop(first, end):
                value = vector.load(self.packing.vector, c, [row, at])
                vector.store(emit_epilogue(self.epilogue, self.operands, value, row, at), c, [row, at])
        ragged = arith.cmpi(arith.CmpIPredicate.sgt, left, index(0))
        branch(ragged, [], partial(self._ragged, c, first, end, arith.addi(column, whole), left), lambda: None)

    def _ragged(self, c: ir.Value, first: ir.Value, end: ir.Value, column: ir.Value, lanes: ir.Value) -> None:
        """Emit the loop over rows for the last vector of each, of which so many lanes lie in C."""
        type_ = self.packing.vector
        mask = vector.create_mask(self.packing.mask_type, [lanes])
        nothing = ir.DenseElementsAttr.get_splat(type_, ir.FloatAttr.get(self.packing.element, 0.0))
        zero = arith.constant(type_, nothing)
        for row in loop(first, end):
            value = vector.maskedload(type_, c, [row, column], mask, zero)
            value = emit_epilogue(self.epilogue, self.operands, value, row, column, mask)
            vector.maskedstore(c, [row, column], mask, value)
