"""The product of a few rows with a matrix that is stored row after row, as the values of attention are.

It is bound by memory, as that of `kernels/contraction_skinny.py`, and B is read in place. The sums are in the lanes,
so that a row of B is added to a row of C times an element of A. The shape of the loops, from outside in:

    blocks of columns                                                 (parallel)
      k, k_unroll rows of B at a time
        tiles of rows of C                                            (unrolled: their number is known)
          one loop over the vectors of the block: load C, k_unroll multiply-adds for each row, store C

The block of C stays in the first-level cache while B passes by: k_unroll long streams, and C is read and written once
for so many lines of B. The lines that the next k_unroll rows have at the same place are prefetched into L2. A ragged
block ends with a masked vector; rows of B that k_unroll leaves over are taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import arith, func, ir, memref, vector
from .decision import RowsSchedule
from .lmul import LMul
from .matrices import strided_matrix_type
from .skinny_operands import SkinnyOperands
from .structured import branch, index, loop, parallel_loop
from .weight_emit import channel_exponents

TO_L2 = 2
"""The locality of a prefetch into the second-level cache: the next rows of B have no room beside C in the first."""


def emit_rows(
    body: ir.Block,
    name: str,
    element: ir.Type,
    schedule: RowsSchedule,
    rows: int,
    *,
    lmul: LMul | None = None,
    mark: ir.Attribute | None = None,
    parallel: bool = False,
    weights: str | None = None,
) -> func.FuncOp:
    """Append `func @name(A[M, K], B[K, N], C[M, N])`, computing C += A · B, to a module's body and return it.

    M is `rows`. `element` is f32 or f64; B and C have unit stride in their last dimension, A has any strides. `mark`,
    `parallel` and `weights` are those of `emit_contraction`; the exponent biases of lm8, one for each column of B, are
    a last argument.
    """
    with ir.InsertionPoint(body), ir.Location.name(name):
        operands = SkinnyOperands(element, schedule.vector_length, lmul, mark, weights)
        b, *biases = operands.types
        inputs = [strided_matrix_type(element), b, strided_matrix_type(element, unit_columns=True), *biases]
        function = func.FuncOp(name, (inputs, []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        _Rows(operands, schedule, rows, *entry.arguments).emit(parallel)
        func.ReturnOp([])
    return function


class _Rows:
    """Emits the body of the function at the current insertion point."""

    def __init__(
        self,
        operands: SkinnyOperands,
        schedule: RowsSchedule,
        rows: int,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value,
        biases: ir.Value | None = None,
    ):
        self.operands, self.schedule, self.rows = operands, schedule, rows
        self.a, self.b, self.c, self.biases = a, b, c, biases
        self.depth, self.columns_of_b = (memref.dim(b, index(d)) for d in (0, 1))
        self.bias_vector = ir.VectorType.get([schedule.vector_length], ir.IntegerType.get_signless(32))

    def emit(self, parallel: bool) -> None:
        """Emit all blocks of columns."""
        width = index(self.schedule.tile_columns)
        blocks = arith.ceildivsi(self.columns_of_b, width)
        unroll = self.schedule.k_unroll
        whole = arith.muli(arith.divsi(self.depth, index(unroll)), index(unroll))
        for block in parallel_loop(blocks) if parallel else loop(index(0), blocks):
            first = arith.muli(block, width)
            end = arith.minsi(self.columns_of_b, arith.addi(first, width))
            for k in loop(index(0), whole, unroll):
                self.rows_of_b(first, end, k, unroll)
            for k in loop(whole, self.depth):
                self.rows_of_b(first, end, k, 1)

    def rows_of_b(self, first: ir.Value, end: ir.Value, k: ir.Value, count: int) -> None:
        """Emit the products of rows k to k + count of B, columns `first` to `end`, with all rows of A."""
        length, height = self.schedule.vector_length, self.schedule.tile_rows
        depths = [arith.addi(k, index(u)) for u in range(count)]
        last = arith.subi(self.depth, index(1))
        following = [arith.minsi(arith.addi(depth, index(count)), last) for depth in depths]
        width = arith.subi(end, first)
        whole = arith.addi(first, arith.muli(arith.divsi(width, index(length)), index(length)))
        left = arith.subi(end, whole)
        for row in range(0, self.rows, height):
            rows = [index(i) for i in range(row, min(row + height, self.rows))]
            factors = [[self.factor(i, depth) for depth in depths] for i in rows]
            for column in loop(first, whole, length):
                if row == 0 and count > 1:
                    for depth in following:
                        memref.prefetch(self.b, [depth, column], False, TO_L2, True)
                self.vector(rows, depths, factors, column)
            branch(
                arith.cmpi(arith.CmpIPredicate.sgt, left, index(0)),
                [],
                lambda rows=rows, factors=factors: self.vector(  # type: ignore[misc]
                    rows, depths, factors, whole, vector.create_mask(self.operands.mask_type, [left])
                ),
                lambda: None,
            )

    def factor(self, row: ir.Value, depth: ir.Value) -> ir.Value:
        """Emit an element of A in every lane."""
        value = self.operands.left(memref.load(self.a, [row, depth]))
        return vector.broadcast(self.operands.prepared_vector, value)

    def vector(
        self,
        rows: Sequence[ir.Value],
        depths: Sequence[ir.Value],
        factors: Sequence[Sequence[ir.Value]],
        column: ir.Value,
        mask: ir.Value | None = None,
    ) -> None:
        """Emit the products of a vector of columns; lanes outside the mask are left alone."""
        o = self.operands
        exponents = None
        if self.biases is not None:
            exponents = channel_exponents(o.load(self.bias_vector, self.biases, [column], mask))
        sums = [o.load(o.vector, self.c, [row, column], mask) for row in rows]
        for u, depth in enumerate(depths):
            b = o.right(o.load(o.stored_vector, self.b, [depth, column], mask), exponents)
            sums = [o.multiply_add(factors[i][u], b, total) for i, total in enumerate(sums)]
        for row, total in zip(rows, sums, strict=True):
            if mask is None:
                vector.store(total, self.c, [row, column])
            else:
                vector.MaskedStoreOp(self.c, [row, column], mask, total)
