"""The product of a few rows with a matrix that is stored column after column, as the weight of a linear layer is.

Such a product reads each element of B once or twice: it is bound by memory, and to pack B would cost more than to
multiply. So B is read in place. The shape of the loops, from outside in:

    tiles of columns                                                  (parallel)
      tiles of rows                                                   (unrolled: their number is known)
        one loop over k, a line of each column at a time, that carries a vector of sums for each element of the tile

The lanes of each vector are added up at the end. A depth that is no multiple of the line ends with single vectors and
a masked one; columns beyond the last whole tile are taken one by one.

Each column is a stream of its own, of a length that hardware prefetching has hardly caught up with when it ends. So
lines are prefetched some way ahead: in the same column, and when that is through in the column of the next tile that
follows. Therefore the loop over k runs in two legs, up to where the prefetches cross over, and from there.

Narrow weights are decoded a register at a time (`kernels/weight_words.py`), which leaves them in another order; so that
A is brought into that order once a call. Under L-Mul's `finite` that copy holds A's bits with the offset folded in.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import arith, func, ir, memref, scf, vector
from .decision import SkinnySchedule
from .lmul import LMul
from .matrices import strided_matrix_type
from .skinny_operands import Channel, SkinnyOperands
from .structured import branch, index, loop, parallel_loop

TO_L1 = 3
"""The locality of a prefetch into the first-level cache. What is ahead fits in it, and the loads then wait for nothing;
fetched no nearer than the second level, weights that lie in the last one come in a twentieth slower."""
LINE_BYTES = 64
"""What a prefetch fetches."""


def emit_skinny(
    body: ir.Block,
    name: str,
    element: ir.Type,
    schedule: SkinnySchedule,
    rows: int,
    *,
    lmul: LMul | None = None,
    mark: ir.Attribute | None = None,
    parallel: bool = False,
    weights: str | None = None,
) -> func.FuncOp:
    """Append `func @name(A[M, K], B[N, K], C[M, N])`, computing C += A · transpose(B), to a module's body; return it.

    M is `rows`. `element` is f32 or f64; A and B have unit stride in their last dimension, C has any strides. `mark`,
    `parallel` and `weights` are those of `emit_contraction`; the exponent biases of lm8, one for each row of B, are a
    last argument.
    """
    with ir.InsertionPoint(body), ir.Location.name(name):
        operands = SkinnyOperands(element, schedule.vector_length, lmul, mark, weights)
        b, *biases = operands.types
        inputs = [strided_matrix_type(element, unit_columns=True), b, strided_matrix_type(element), *biases]
        function = func.FuncOp(name, (inputs, []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        _Skinny(operands, schedule, rows, *entry.arguments).emit(parallel)
        func.ReturnOp([])
    return function


class _Skinny:
    """Emits the body of the function at the current insertion point."""

    def __init__(
        self,
        operands: SkinnyOperands,
        schedule: SkinnySchedule,
        rows: int,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value,
        biases: ir.Value | None = None,
    ):
        self.operands, self.schedule, self.rows = operands, schedule, rows
        self.a, self.b, self.c, self.biases = a, b, c, biases
        stored_bytes = operands.stored.width // 8
        self.step = max(LINE_BYTES // stored_bytes, operands.group)
        """Elements of a column in one turn of the loop over k: at least a line."""
        self.ahead = -(-schedule.prefetch // stored_bytes // self.step) * self.step
        """Elements between what is read and what is prefetched."""
        self.columns_of_b, self.depth = (memref.dim(b, index(d)) for d in (0, 1))
        self.whole = self.rounded(self.step)
        self.left = operands.prepared_copy(a, rows, self.whole) if operands.is_prepared else a

    def emit(self, parallel: bool) -> None:
        """Emit all tiles of columns."""
        width = self.schedule.tile_columns
        tiles = arith.divsi(self.columns_of_b, index(width))
        for tile in parallel_loop(tiles) if parallel else loop(index(0), tiles):
            self.columns(arith.muli(tile, index(width)), width)
        for column in loop(arith.muli(tiles, index(width)), self.columns_of_b):
            self.columns(column, 1)
        if self.left is not self.a:
            memref.dealloc(self.left)

    def columns(self, first: ir.Value, count: int) -> None:
        """Emit the products of all rows with `count` columns from `first` on."""
        columns = [arith.addi(first, index(j)) for j in range(count)]
        channels = [self.operands.channel(self.biases, column) for column in columns]
        height = self.schedule.tile_rows
        for row in range(0, self.rows, height):
            rows = [index(i) for i in range(row, min(row + height, self.rows))]
            sums = self.partial_sums(rows, columns, channels, prefetches=row == 0)
            for number, value in enumerate(sums):
                column = number % count
                self.add(value, channels[column].scale, [rows[number // count], columns[column]])

    def add(self, value: ir.Value, scale: ir.Value | None, at: list[ir.Value]) -> None:
        """Add the lanes of a vector of sums, scaled, to an element of C."""
        total = vector.ReductionOp(
            self.operands.element,
            vector.CombiningKind.ADD,
            value,
            fastmath=ir.Attribute.parse("#arith.fastmath<reassoc>"),
        ).result
        if scale is not None:
            total = arith.mulf(total, scale)
        memref.store(arith.addf(memref.load(self.c, at), total), self.c, at)

    def partial_sums(
        self, rows: Sequence[ir.Value], columns: Sequence[ir.Value], channels: Sequence[Channel], *, prefetches: bool
    ) -> list[ir.Value]:
        """Emit the loops over k and the masked end; return the vectors of partial sums, row after row."""
        length = self.schedule.vector_length
        sums = [self.operands.zero] * (len(rows) * len(columns))
        if prefetches and self.ahead:
            sums = self.two_legs(rows, columns, channels, sums)
        else:
            line = _Carried(index(0), self.whole, self.step, sums)
            with line.body():
                line.end(self.line(rows, columns, channels, line.place, line.values))
            sums = line.results
        vectors = self.whole
        if self.step > length:
            vectors = self.rounded(length)
            single = _Carried(self.whole, vectors, length, sums)
            with single.body():
                single.end(self.single(rows, columns, channels, single.place, single.values))
            sums = single.results
        left = arith.subi(self.depth, vectors)
        return branch(
            arith.cmpi(arith.CmpIPredicate.sgt, left, index(0)),
            [self.operands.vector] * len(sums),
            lambda: self.single(
                rows, columns, channels, vectors, sums, vector.create_mask(self.operands.mask_type, [left])
            ),
            lambda: sums,
        )

    def two_legs(
        self,
        rows: Sequence[ir.Value],
        columns: Sequence[ir.Value],
        channels: Sequence[Channel],
        sums: Sequence[ir.Value],
    ) -> list[ir.Value]:
        """Emit the loop over k in two legs: prefetching in the same columns, then in those of the next tile."""
        ahead = arith.minsi(index(self.ahead), self.whole)
        crossing = arith.subi(self.whole, ahead)
        last = arith.subi(self.columns_of_b, index(1))
        followers = [arith.minsi(arith.addi(column, index(len(columns))), last) for column in columns]
        legs = _Carried(index(0), index(2), 1, sums)
        with legs.body():
            is_first = arith.cmpi(arith.CmpIPredicate.eq, legs.place, index(0))
            lower, upper, shift = (
                arith.select(is_first, one, other)
                for one, other in (
                    (index(0), crossing),
                    (crossing, self.whole),
                    (ahead, arith.subi(index(0), crossing)),
                )
            )
            fetched = [arith.select(is_first, *pair) for pair in zip(columns, followers, strict=True)]
            leg = _Carried(lower, upper, self.step, legs.values)
            with leg.body():
                place = arith.addi(leg.place, shift)
                for column in fetched:
                    memref.prefetch(self.b, [column, place], False, TO_L1, True)
                leg.end(self.line(rows, columns, channels, leg.place, leg.values))
            legs.end(leg.results)
        return legs.results

    def line(
        self,
        rows: Sequence[ir.Value],
        columns: Sequence[ir.Value],
        channels: Sequence[Channel],
        k: ir.Value,
        sums: Sequence[ir.Value],
    ) -> list[ir.Value]:
        """Emit the products of one step of k, added to `sums`."""
        o, sums = self.operands, list(sums)
        for start in range(0, self.step, o.group):
            place = arith.addi(k, index(start))
            right = [
                o.right_parts(vector.load(o.register, self.b, [column, place]), channel.words)
                for column, channel in zip(columns, channels, strict=True)
            ]
            for part in range(o.parts):
                at = arith.addi(place, index(part * o.length))
                left = [vector.load(o.prepared_vector, self.left, [row, at]) for row in rows]
                pairs = [(x, y[part]) for x in left for y in right]
                sums = [o.multiply_add(x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]
        return sums

    def single(
        self,
        rows: Sequence[ir.Value],
        columns: Sequence[ir.Value],
        channels: Sequence[Channel],
        k: ir.Value,
        sums: Sequence[ir.Value],
        mask: ir.Value | None = None,
    ) -> list[ir.Value]:
        """Emit the products of one vector of k, added to `sums`; lanes outside the mask add nothing."""
        o = self.operands
        left = [o.left(o.load(o.vector, self.a, [row, k], mask)) for row in rows]
        right = [
            o.right(o.load(o.stored_vector, self.b, [column, k], mask), channel.exponents)
            for column, channel in zip(columns, channels, strict=True)
        ]
        pairs = [(x, y) for x in left for y in right]
        return [o.multiply_add(x, y, total, mask) for (x, y), total in zip(pairs, sums, strict=True)]

    def rounded(self, multiple: int) -> ir.Value:
        """Return the depth, rounded down."""
        return arith.muli(arith.divsi(self.depth, index(multiple)), index(multiple))


class _Carried:
    """A new `scf.for` that carries values."""

    def __init__(self, lower: ir.Value, upper: ir.Value, step: int, start: Sequence[ir.Value]):
        self.loop = scf.ForOp(lower, upper, index(step), list(start))
        self.place: ir.Value = self.loop.induction_variable
        self.values: list[ir.Value] = list(self.loop.inner_iter_args)
        self.results: list[ir.Value] = list(self.loop.results)

    def body(self) -> ir.InsertionPoint:
        """Return the insertion point in its body."""
        return ir.InsertionPoint(self.loop.body)

    def end(self, values: Sequence[ir.Value]) -> None:
        """End the body with what is carried on."""
        scf.YieldOp(list(values))
