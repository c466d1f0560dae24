"""Bringing in what the packed matrix product packs next: a matrix B that no call has packed ahead."""

from __future__ import annotations

from dataclasses import dataclass

from ..bindings import arith, ir, memref
from .contraction_inner import LINE_BYTES, TO_L2
from .contraction_packing import Packing
from .matrices import Contiguous
from .structured import index


@dataclass(frozen=True)
class MatrixPrefetch:
    """Brings the part of B that is packed next into the second-level cache while this one is multiplied.

    Packing reads short pieces of lines that are far apart, and would wait for each of them: of weights that are in
    memory that took a fifth of a product of 128 rows. Instead the row tiles fetch them between them, each turn of the
    inner loop some. What they have to fetch, a turn together: the pieces of the turn's rows of B where rows are
    contiguous; where columns are, a cache line of each, in as many turns as there are steps of k in it.
    """

    flat: ir.Value
    """B's memory as one line of elements."""
    start: ir.Value
    """Where the next part begins in it."""
    strides: tuple[ir.Value, ir.Value]
    """Of a step of k, and of a column."""
    last: ir.Value
    """The last element that may be named."""
    contiguous: Contiguous

    @classmethod
    def of_next(cls, b: ir.Value, depth: ir.Value, column: ir.Value, contiguous: Contiguous) -> MatrixPrefetch:
        """Return what fetches the part of the matrix `b` that begins at a depth and a column, maybe beyond it."""
        base, offset, *sizes, k_stride, n_stride = memref.ExtractStridedMetadataOp(b).results
        strides = (k_stride, n_stride)
        ends = [arith.muli(arith.subi(size, index(1)), stride) for size, stride in zip(sizes, strides, strict=True)]
        last = arith.addi(offset, arith.addi(*ends))
        dynamic = ir.ShapedType.get_dynamic_size()
        type_ = ir.MemRefType.get([dynamic], b.type.element_type, ir.StridedLayoutAttr.get(0, [1]))
        size = arith.addi(last, index(1))
        flat = memref.ReinterpretCastOp(type_, base, [], [size], [], [0], [dynamic], [1]).result
        start = arith.addi(offset, arith.addi(arith.muli(depth, k_stride), arith.muli(column, n_stride)))
        return cls(flat, start, strides, last, contiguous)

    def turn(self, packing: Packing, tile: ir.Value, k: ir.Value, depths: ir.Value) -> MatrixTurn:
        """Emit the places of the lines that row tile `tile` fetches in the turn that begins at step `k`."""
        s = packing.schedule
        line = max(1, LINE_BYTES * 8 // packing.element.width)
        k_stride, n_stride = self.strides
        here = arith.addi(self.start, arith.muli(k, k_stride))
        if self.contiguous == "rows":
            pieces = -(-s.tile_columns // line)
            numbers = self._numbers(packing, tile, s.k_unroll * pieces)
            rows = [arith.muli(arith.remui(number, index(s.k_unroll)), k_stride) for number in numbers]
            columns = [arith.muli(arith.divui(number, index(s.k_unroll)), index(line)) for number in numbers]
            places = [arith.addi(here, arith.addi(*place)) for place in zip(rows, columns, strict=True)]
            return MatrixTurn(self, places)
        turns = max(1, line // s.k_unroll)
        part = arith.remui(arith.divui(k, index(s.k_unroll)), index(turns))
        shared = arith.addi(arith.muli(tile, index(turns)), part)
        numbers = self._numbers(packing, shared, s.tile_columns)
        return MatrixTurn(self, [arith.addi(here, arith.muli(number, n_stride)) for number in numbers])

    @staticmethod
    def _numbers(packing: Packing, sharer: ir.Value, count: int) -> list[ir.Value]:
        """Return the numbers of the lines of one sharer, of `count`; the last again where there are no more."""
        lines = packing.schedule.prefetch
        begin = arith.muli(sharer, index(lines))
        return [arith.minui(arith.addi(begin, index(i)), index(count - 1)) for i in range(lines)]


@dataclass(frozen=True)
class MatrixTurn:
    """The prefetches of one turn of the inner loop, of lines that lie at `places`."""

    prefetch: MatrixPrefetch
    places: list[ir.Value]

    def emit(self, step: int, steps: int) -> None:
        """Emit the prefetches of one of `steps` steps, over which they are spread."""
        for place in self.places[step::steps]:
            memref.prefetch(self.prefetch.flat, [arith.minui(place, self.prefetch.last)], False, TO_L2, True)
