"""The product of a few rows with a matrix that is stored column after column, as the weight of a linear layer is.

Such a product reads each element of B once or twice: it is bound by memory, and to pack B would cost more than to
multiply. So B is read in place. The shape of the loops, from outside in:

    tiles of columns                                                  (parallel)
      tiles of rows                                                   (unrolled: their number is known)
        one loop over k, a vector at a time, that carries a vector of partial sums for each element of the tile

The lanes of each vector are added up at the end. A depth that is no multiple of the vector ends with one masked step;
columns beyond the last whole tile are taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import arith, func, ir, memref, scf, vector
from .contraction_panel import DYNAMIC, strided_matrix_type
from .decision import SkinnySchedule
from .lmul import LMul
from .lmul_emit import combine, fold_offset, prepare
from .structured import branch, index, loop, parallel_loop
from .weight_emit import channel_exponents, code_type, decode, has_biases


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
        stored = element if weights is None else code_type(weights)
        inputs = [
            strided_matrix_type(element, unit_columns=True),
            strided_matrix_type(stored, unit_columns=True),
            strided_matrix_type(element),
        ]
        if weights is not None and has_biases(weights):
            inputs.append(ir.MemRefType.get([DYNAMIC], ir.IntegerType.get_signless(32)))
        function = func.FuncOp(name, (inputs, []), visibility="private")
        entry = function.add_entry_block()
    with ir.InsertionPoint(entry), ir.Location.name(name):
        _Skinny(element, stored, schedule, rows, lmul, mark, weights, *entry.arguments).emit(parallel)
        func.ReturnOp([])
    return function


class _Skinny:
    """Emits the body of the function at the current insertion point."""

    def __init__(
        self,
        element: ir.Type,
        stored: ir.Type,
        schedule: SkinnySchedule,
        rows: int,
        lmul: LMul | None,
        mark: ir.Attribute | None,
        weights: str | None,
        a: ir.Value,
        b: ir.Value,
        c: ir.Value,
        biases: ir.Value | None = None,
    ):
        self.schedule, self.rows, self.mark, self.weights = schedule, rows, mark, weights
        self.finite = lmul if lmul is not None and lmul.specials == "finite" else None
        self.a, self.b, self.c, self.biases = a, b, c, biases
        self.element = element
        self.vector = ir.VectorType.get([schedule.vector_length], element)
        self.stored_vector = ir.VectorType.get([schedule.vector_length], stored)
        self.mask_type = ir.VectorType.get([schedule.vector_length], ir.IntegerType.get_signless(1))
        self.depth = memref.dim(b, index(1))
        length = index(schedule.vector_length)
        self.whole = arith.muli(arith.divsi(self.depth, length), length)

    def emit(self, parallel: bool) -> None:
        """Emit all tiles of columns."""
        columns = memref.dim(self.b, index(0))
        width = self.schedule.tile_columns
        tiles = arith.divsi(columns, index(width))
        for tile in parallel_loop(tiles) if parallel else loop(index(0), tiles):
            self.columns(arith.muli(tile, index(width)), width)
        for column in loop(arith.muli(tiles, index(width)), columns):
            self.columns(column, 1)

    def columns(self, first: ir.Value, count: int) -> None:
        """Emit the products of all rows with `count` columns from `first` on."""
        columns = [arith.addi(first, index(j)) for j in range(count)]
        exponents = [
            None if self.biases is None else self.broadcast(channel_exponents(memref.load(self.biases, [column])))
            for column in columns
        ]
        height = self.schedule.tile_rows
        for row in range(0, self.rows, height):
            rows = [index(i) for i in range(row, min(row + height, self.rows))]
            sums = self.partial_sums(rows, columns, exponents)
            for number, value in enumerate(sums):
                at = [rows[number // count], columns[number % count]]
                total = vector.ReductionOp(
                    self.element,
                    vector.CombiningKind.ADD,
                    value,
                    fastmath=ir.Attribute.parse("#arith.fastmath<reassoc>"),
                ).result
                memref.store(arith.addf(memref.load(self.c, at), total), self.c, at)

    def partial_sums(
        self, rows: Sequence[ir.Value], columns: Sequence[ir.Value], exponents: Sequence[ir.Value | None]
    ) -> list[ir.Value]:
        """Emit the loop over k and its masked end; return the vectors of partial sums, row after row."""
        zero = arith.constant(self.vector, ir.DenseElementsAttr.get_splat(self.vector, self.zero))
        start = [zero] * (len(rows) * len(columns))
        whole = scf.ForOp(index(0), self.whole, index(self.schedule.vector_length), start)
        with ir.InsertionPoint(whole.body):
            scf.YieldOp(self.step(rows, columns, exponents, whole.induction_variable, list(whole.inner_iter_args)))
        sums = list(whole.results)
        left = arith.subi(self.depth, self.whole)
        has_end = arith.cmpi(arith.CmpIPredicate.sgt, left, index(0))
        return branch(
            has_end,
            [self.vector] * len(sums),
            lambda: self.step(rows, columns, exponents, self.whole, sums, vector.create_mask(self.mask_type, [left])),
            lambda: sums,
        )

    def step(
        self,
        rows: Sequence[ir.Value],
        columns: Sequence[ir.Value],
        exponents: Sequence[ir.Value | None],
        k: ir.Value,
        sums: Sequence[ir.Value],
        mask: ir.Value | None = None,
    ) -> list[ir.Value]:
        """Emit the products of one vector of k, added to `sums`; lanes outside the mask add nothing."""
        left = [self.prepared(self.load(self.vector, self.a, [row, k], mask), False) for row in rows]
        right = []
        for column, exponent in zip(columns, exponents, strict=True):
            value = self.load(self.stored_vector, self.b, [column, k], mask)
            if self.weights is not None:
                value = decode(self.weights, value, exponent)
            right.append(self.prepared(value, True))
        pairs = [(x, y) for x in left for y in right]
        return [self.multiply_add(x, y, total, mask) for (x, y), total in zip(pairs, sums, strict=True)]

    def load(self, type_: ir.VectorType, source: ir.Value, at: list[ir.Value], mask: ir.Value | None) -> ir.Value:
        """Emit a load of a vector; lanes outside the mask are zero."""
        if mask is None:
            return vector.load(type_, source, at)
        element = type_.element_type
        zero = ir.IntegerAttr.get(element, 0) if isinstance(element, ir.IntegerType) else ir.FloatAttr.get(element, 0.0)
        rest = arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, zero))
        return vector.maskedload(type_, source, at, mask, rest)

    def prepared(self, value: ir.Value, is_right: bool) -> ir.Value:
        """Emit what is multiplied: for L-Mul under `finite` the bits that are added, the offset folded into B's."""
        if self.finite is None:
            return value
        bits = prepare(self.finite, value)
        return fold_offset(self.finite, bits, self.element) if is_right else bits

    def multiply_add(self, x: ir.Value, y: ir.Value, total: ir.Value, mask: ir.Value | None) -> ir.Value:
        """Emit `total + x · y`."""
        if self.finite is not None:
            product = combine(self.finite, x, y, self.element)
            if mask is not None:
                # Under `finite` zeros times zeros are not zero.
                product = arith.select(mask, product, arith.constant(self.vector, self.splat_zero))
            return arith.addf(product, total)
        product = vector.FMAOp(x, y, total)
        if self.mark is not None:
            product.operation.attributes["slipstick.lmul"] = self.mark
        return product.result

    def broadcast(self, value: ir.Value) -> ir.Value:
        return vector.broadcast(ir.VectorType.get([self.schedule.vector_length], value.type), value)

    @property
    def zero(self) -> ir.Attribute:
        return ir.FloatAttr.get(self.element, 0.0)

    @property
    def splat_zero(self) -> ir.Attribute:
        return ir.DenseElementsAttr.get_splat(self.vector, self.zero)
