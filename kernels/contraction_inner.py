"""The inner loop of the packed matrix product: one register tile over a block of the depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..bindings import arith, ir, memref, scf, vector
from .contraction_packing import Packing
from .structured import index

LINE_BYTES = 64
TO_L1, TO_L2 = 3, 2
"""The localities of prefetches into the caches of the first and the second level."""
NEAR_BYTES = 8192
"""How far ahead of what is read a line is asked for again."""


@dataclass(frozen=True)
class PackedRows:
    """A tile of rows of A, packed as [row tile][k][tile rows]."""

    buffer: ir.Value
    tile: ir.Value
    depth: ir.Value
    """Where k = 0 stands."""

    def column(self, k: ir.Value, count: int) -> Iterator[ir.Value]:
        """Yield what is loaded at step `k` for each of `count` rows; a load is emitted when it is asked for."""
        at = [self.tile, arith.addi(self.depth, k)]
        for i in range(count):
            yield memref.load(self.buffer, [*at, index(i)])


@dataclass(frozen=True)
class RowsInPlace:
    """A tile of rows of A, read where A lies: rows of unit column stride."""

    matrix: ir.Value
    rows: Sequence[ir.Value]
    depth: ir.Value
    """Where k = 0 stands."""

    def column(self, k: ir.Value, count: int) -> Iterator[ir.Value]:
        """Yield what is loaded at step `k` for each of `count` rows, as `PackedRows` does."""
        at = arith.addi(self.depth, k)
        for row in self.rows[:count]:
            yield memref.load(self.matrix, [row, at])


@dataclass(frozen=True)
class Operand:
    """A panel of B: its buffer, and the indices of where k = 0 stands, the last of which counts k."""

    buffer: ir.Value
    first: Sequence[ir.Value]

    def at(self, k: ir.Value) -> list[ir.Value]:
        """Return the indices of step `k`."""
        *outer, start = self.first
        return [*outer, arith.addi(start, k)]


class Turn(Protocol):
    """What one turn of the inner loop brings in."""

    def emit(self, step: int, steps: int) -> None:
        """Emit the prefetches of one of `steps` steps, over which they are spread.

        Of many at once the last find no place in the buffers of what is on its way.
        """


class Fetch(Protocol):
    """What the inner loop brings in beside, for what is multiplied next."""

    def turn(self, packing: Packing, tile: ir.Value, k: ir.Value, depths: ir.Value) -> Turn:
        """Emit where the lines of one turn lie that begins at step `k` of row tile `tile`."""


@dataclass(frozen=True)
class Prefetch:
    """What the inner loop brings into the second-level cache: the block of weights that is multiplied next.

    Weights are read once a call, from memory or the last-level cache. The first row tile would wait for each line of
    its block; instead the row tiles of the block before fetch it between them, some lines in each turn of their loops.
    Panels are contiguous: the next block is what follows in memory.

    A row tile that is alone fetches as much as it reads, and so asks for lines faster than memory gives them: while the
    queue to the second level is full, the processor drops some. So that nothing waits for these, each line is asked for
    again shortly before it is read, into the first level, which is not dropped.
    """

    flat: ir.Value
    """All panels as one line of elements."""
    size: ir.Value
    """How many elements these are."""
    here: ir.Value
    """Where this block begins in it: what the turns fetch that have nothing left to fetch."""
    next: ir.Value
    """Where the next block begins."""
    lines: ir.Value
    """How many lines of it there are."""
    line: int
    """Elements a line."""

    @classmethod
    def of_next(cls, packing: Packing, panels: ir.Value, at: Sequence[ir.Value], depths: ir.Value) -> Prefetch:
        """Return what follows `depths` rows of a panel; `at` is the panel's number and the first row."""
        width = packing.schedule.tile_columns
        count, rows = (memref.dim(panels, index(d)) for d in (0, 1))
        dynamic = ir.ShapedType.get_dynamic_size()
        size = arith.muli(arith.muli(count, rows), index(width))
        flat_type = ir.MemRefType.get([dynamic], packing.element, ir.StridedLayoutAttr.get(0, [1]))
        flat = memref.ReinterpretCastOp(flat_type, panels, [], [size], [], [0], [dynamic], [1]).result
        number, row = at
        here = arith.muli(arith.addi(arith.muli(number, rows), row), index(width))
        block = arith.muli(depths, index(width))
        line = max(1, LINE_BYTES * 8 // packing.element.width)
        lines = arith.ceildivsi(block, index(line))
        return cls(flat, size, here, arith.addi(here, block), lines, line)

    def turn(self, packing: Packing, tile: ir.Value, k: ir.Value, depths: ir.Value) -> PanelTurn:
        """Emit where the lines of one turn begin, at step `k`: row tiles share the lines out, the first ones first."""
        s = packing.schedule
        turns = arith.maxsi(arith.divsi(depths, index(s.k_unroll)), index(1))
        done = arith.muli(tile, arith.muli(turns, index(s.prefetch)))
        has_left = arith.cmpi(arith.CmpIPredicate.slt, done, self.lines)
        begin = arith.select(has_left, arith.addi(self.next, arith.muli(done, index(self.line))), self.here)
        stride = arith.select(has_left, index(self.line * s.prefetch), index(0))
        far = arith.addi(begin, arith.muli(arith.divsi(k, index(s.k_unroll)), stride))
        if s.m_block > s.tile_rows:
            return PanelTurn(self, self.within(far, s.prefetch), s.prefetch)
        near_lines = -(-s.k_unroll * s.tile_columns // self.line)
        ahead = -(-NEAR_BYTES * 8 // (packing.element.width * s.tile_columns))
        near = arith.addi(self.here, arith.muli(arith.addi(k, index(ahead)), index(s.tile_columns)))
        return PanelTurn(self, self.within(far, s.prefetch), s.prefetch, self.within(near, near_lines), near_lines)

    def within(self, first: ir.Value, count: int) -> ir.Value:
        """Emit `first`, or so much less that `count` lines from there on lie in the panels."""
        last = arith.maxsi(arith.subi(self.size, index(count * self.line)), index(0))
        return arith.minsi(first, last)


@dataclass(frozen=True)
class PanelTurn:
    """The prefetches of one turn of the inner loop: `far_count` lines from `far` on, and `near_count` from `near`."""

    prefetch: Prefetch
    far: ir.Value
    far_count: int
    near: ir.Value | None = None
    near_count: int = 0

    def emit(self, step: int, steps: int) -> None:
        """Emit the prefetches of one of `steps` steps, over which they are spread."""
        self._emit(self.far, range(step, self.far_count, steps), TO_L2)
        if self.near is not None:
            self._emit(self.near, range(step, self.near_count, steps), TO_L1)

    def _emit(self, first: ir.Value, numbers: range, locality: int) -> None:
        for number in numbers:
            place = arith.addi(first, index(number * self.prefetch.line)) if number else first
            memref.prefetch(self.prefetch.flat, [place], False, locality, True)


def multiply_tile(
    packing: Packing,
    left: PackedRows | RowsInPlace,
    right: Operand,
    depths: ir.Value,
    start: Sequence[ir.Value],
    mark: ir.Attribute | None,
    prefetch: tuple[Fetch, ir.Value] | None = None,
    *,
    steps: int,
) -> list[ir.Value]:
    """Emit the loop over k that carries the register tile; return the accumulators.

    The loop takes `steps` steps a turn; what is left of the depth is taken one by one. `prefetch` is what to bring in
    beside, and the number of the row tile, which says what part of it.
    """
    whole = arith.muli(arith.divsi(depths, index(steps)), index(steps))
    turn = scf.ForOp(index(0), whole, index(steps), list(start))
    with ir.InsertionPoint(turn.body):
        values = list(turn.inner_iter_args)
        lines = None
        if prefetch is not None:
            lines = prefetch[0].turn(packing, prefetch[1], turn.induction_variable, depths)
        for step in range(steps):
            if lines is not None:
                lines.emit(step, steps)
            k = arith.addi(turn.induction_variable, index(step)) if step else turn.induction_variable
            values = _step(packing, left, right, k, values, mark)
        scf.YieldOp(values)
    if steps == 1:
        return list(turn.results)
    rest = scf.ForOp(whole, depths, index(1), list(turn.results))
    with ir.InsertionPoint(rest.body):
        k = rest.induction_variable
        scf.YieldOp(_step(packing, left, right, k, list(rest.inner_iter_args), mark))
    return list(rest.results)


def _step(
    packing: Packing,
    left: PackedRows | RowsInPlace,
    right: Operand,
    k: ir.Value,
    accumulators: Sequence[ir.Value],
    mark: ir.Attribute | None,
) -> list[ir.Value]:
    """Emit one step of k: each row's element of A times the row of the panel."""
    s = packing.schedule
    row = right.at(k)
    row_of_b = [packing.load_right(right.buffer, [*row, index(j)]) for j in range(0, s.tile_columns, s.vector_length)]
    old = iter(accumulators)
    updated = []
    for element in left.column(k, s.tile_rows):
        a = vector.broadcast(packing.packed_vector, element)
        updated += [packing.multiply_add(a, b, next(old), mark) for b in row_of_b]
    return updated
