"""What the kernels of attention share: their parameters, their multiplies, and the steps between the two products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..bindings import arith, ir, math, scf, vector
from .decision import AttentionSchedule
from .lmul import LMul
from .lmul_emit import combine, fold_offset, prepare
from .matrices import strided_matrix_type
from .structured import index

MASKED = -1e38
"""Scores below this are masked: by minus infinity, or by the least finite number, -3.4e38."""


def ceil_div(value: int, by: int) -> int:
    """Return `value / by`, rounded up."""
    return -(-value // by)


@dataclass(frozen=True)
class Product:
    """How one of the two contractions multiplies: exactly, or by L-Mul with the mark that says so."""

    lmul: LMul | None = None
    mark: ir.Attribute | None = None

    @property
    def _finite(self) -> LMul | None:
        return self.lmul if self.lmul is not None and self.lmul.specials == "finite" else None

    def left(self, value: ir.Value) -> ir.Value:
        """Emit the form of a left factor, of the same type: for `finite` the bits that are added, in a float's coat.

        The offset is folded in: of queries and weights there are fewer than of keys and values where few rows are read.
        """
        if self._finite is None:
            return value
        bits = fold_offset(self._finite, prepare(self._finite, value), value.type)
        return arith.bitcast(value.type, bits)

    def right(self, value: ir.Value) -> ir.Value:
        """Emit the form of a right factor, as `left`, without the offset."""
        return value if self._finite is None else arith.bitcast(value.type, prepare(self._finite, value))

    def multiply_add(self, left: ir.Value, right: ir.Value, total: ir.Value, lanes: ir.Value | None = None) -> ir.Value:
        """Emit `total + left · right` for vectors that `left` and `right` formed.

        Factors outside `lanes` are zeros, which under `finite` is no zero: there nothing is added.
        """
        if self._finite is not None:
            type_ = total.type
            bits = ir.VectorType.get(type_.shape, ir.IntegerType.get_signless(32))
            product = combine(self._finite, arith.bitcast(bits, left), arith.bitcast(bits, right), type_)
            if lanes is not None:
                zero = ir.DenseElementsAttr.get_splat(type_, ir.FloatAttr.get(type_.element_type, 0.0))
                product = arith.select(lanes, product, arith.constant(type_, zero))
            return arith.addf(product, total)
        product = vector.FMAOp(left, right, total)
        if self.mark is not None:
            product.operation.attributes["slipstick.lmul"] = self.mark
        return product.result


@dataclass(frozen=True)
class AttentionKernel:
    """What makes a kernel of attention: sizes, and what happens to the scores.

    T query `rows` of `depth` D see S `keys`, whose values have W `columns`. `causal`: row t sees keys up to
    t + `causal`, at least one; the mask hides the others, or the kernel where there is none. None: each row sees all.
    `zero_masked_rows`: a row whose scores are all minus infinity gives zeros, else NaN. `scale_mark` is the mark
    `slipstick.lmul` of the multiply by `scale`.
    """

    schedule: AttentionSchedule
    rows: int
    keys: int
    depth: int
    columns: int
    scale: float
    has_mask: bool
    causal: int | None = None
    zero_masked_rows: bool = False
    scores: Product = Product()
    result: Product = Product()
    scale_mark: ir.Attribute | None = None

    def argument_types(self) -> list[ir.Type]:
        """Return the types of Q, K, V, O, the mask if there is one, and the scratch buffers."""
        matrix = strided_matrix_type(ir.F32Type.get(), unit_columns=True)
        return [*[matrix] * (5 if self.has_mask else 4), *self.scratch_types()]

    def scratch_types(self) -> list[ir.MemRefType]:
        """Return the types of the buffers that a call needs: packed K, packed V and scores, or scores alone."""
        s = self.schedule
        f32 = ir.F32Type.get()
        if self.rows == 1:
            return [ir.MemRefType.get([1, ceil_div(self.keys, s.vector_length) * s.vector_length], f32)]
        panels = ceil_div(self.keys, s.tile_columns)
        columns = ceil_div(self.columns, s.vector_length) * s.vector_length
        return [
            ir.MemRefType.get([panels, self.depth, s.tile_columns], f32),
            ir.MemRefType.get([self.keys, columns], f32),
            ir.MemRefType.get([s.tile_rows, panels * s.tile_columns], f32),
        ]


class Emitter:
    """Emits steps of one kernel at the current insertion point; holds its matrices, each with unit column stride."""

    def __init__(
        self,
        kernel: AttentionKernel,
        queries: ir.Value,
        keys: ir.Value,
        values: ir.Value,
        output: ir.Value,
        mask: ir.Value | None,
    ):
        self.kernel = kernel
        self.queries, self.keys, self.values, self.output, self.mask = queries, keys, values, output, mask
        self.length = kernel.schedule.vector_length
        self.element = ir.F32Type.get()
        self.vector = ir.VectorType.get([self.length], self.element)

    def padded(self, size: int) -> int:
        """Return `size` in whole vectors."""
        return ceil_div(size, self.length) * self.length

    def starts(self, size: int) -> range:
        """Return the first column of each vector of `size` columns."""
        return range(0, size, self.length)

    def at_most(self, value: ir.Value, limit: int) -> ir.Value:
        """Emit the lesser of an index and a number."""
        return arith.minsi(value, index(limit))

    def scalar(self, value: float) -> ir.Value:
        """Return a constant."""
        return arith.constant(self.element, value)

    def splat(self, value: float) -> ir.Value:
        """Return a vector of a constant."""
        splat = ir.DenseElementsAttr.get_splat(self.vector, ir.FloatAttr.get(self.element, value))
        return arith.constant(self.vector, splat)

    def broadcast(self, value: ir.Value) -> ir.Value:
        """Emit a vector of a scalar."""
        return vector.broadcast(self.vector, value)

    @cached_property
    def _lane_type(self) -> ir.VectorType:
        return ir.VectorType.get([self.length], ir.IntegerType.get_signless(1))

    def first_lanes(self, count: int) -> ir.Value | None:
        """Return a mask of the first lanes, None for all."""
        return None if count >= self.length else vector.create_mask(self._lane_type, [index(count)])

    def lanes_before(self, first: ir.Value, end: int) -> ir.Value:
        """Emit a mask of the lanes whose number, the first being `first`, is below `end`."""
        return vector.create_mask(self._lane_type, [arith.subi(index(end), first)])

    def load_end(self, matrix: ir.Value, row: ir.Value, column: int, columns: int) -> ir.Value:
        """Emit the load of the last, ragged vector of a row; lanes beyond it are zero."""
        lanes = self.first_lanes(columns - column)
        return vector.maskedload(self.vector, matrix, [row, index(column)], lanes, self.splat(0.0))

    def row(self, matrix: ir.Value, row: ir.Value, columns: int) -> list[tuple[int, ir.Value]]:
        """Emit the loads of a row of so many columns: for each vector the first column and the value."""
        return [
            (
                column,
                vector.load(self.vector, matrix, [row, index(column)])
                if column + self.length <= columns
                else self.load_end(matrix, row, column, columns),
            )
            for column in self.starts(columns)
        ]

    def store(self, row: ir.Value, columns: Sequence[int], values: Sequence[ir.Value]) -> None:
        """Emit the stores of vectors of a row of the result."""
        for column, value in zip(columns, values, strict=True):
            lanes = self.first_lanes(self.kernel.columns - column)
            if lanes is None:
                vector.store(value, self.output, [row, index(column)])
            else:
                vector.maskedstore(self.output, [row, index(column)], lanes, value)

    def greater(self, value: ir.Value, other: ir.Value) -> ir.Value:
        """Emit the greater, lane by lane. A NaN may be lost here: it comes back with the sum of the exponentials."""
        return arith.select(arith.cmpf(arith.CmpFPredicate.OGT, value, other), value, other)

    def row_maxima(self, maxima: Sequence[ir.Value]) -> list[ir.Value]:
        """Emit the greatest lane of each vector."""
        return [vector.ReductionOp(self.element, vector.CombiningKind.MAXNUMF, value).result for value in maxima]

    def finished_score(self, value: ir.Value, row: ir.Value, key: ir.Value, lanes: ir.Value | None) -> ir.Value:
        """Emit scale and mask of a vector of scores, from `key` on; minus infinity outside `lanes`."""
        if self.kernel.scale != 1.0 or self.kernel.scale_mark is not None:
            scaled = arith.MulFOp(value, self.splat(self.kernel.scale))
            if self.kernel.scale_mark is not None:
                scaled.operation.attributes["slipstick.lmul"] = self.kernel.scale_mark
            value = scaled.result
        if self.mask is not None:
            at = [row, key]
            mask = (
                vector.load(self.vector, self.mask, at)
                if lanes is None
                else vector.maskedload(self.vector, self.mask, at, lanes, self.splat(0.0))
            )
            value = arith.addf(value, mask)
        elif self.kernel.causal is not None:
            seen = arith.addi(row, index(self.kernel.causal + 1))
            visible = vector.create_mask(self._lane_type, [arith.subi(seen, key)])
            value = arith.select(visible, value, self.splat(float("-inf")))
        return value if lanes is None else arith.select(lanes, value, self.splat(float("-inf")))

    def exponentials(self, scores: ir.Value, maxima: Sequence[ir.Value], visible: ir.Value) -> list[ir.Value]:
        """Emit the weights in place of the rows of scores, up to the key `visible`.

        Return the factors that the rows of the result are multiplied by, which stand for the division by the sums;
        none for L-Mul, whose products are of the divided weights.
        """
        infinity = self.scalar(float("-inf"))
        if self.kernel.zero_masked_rows:
            empty = [arith.cmpf(arith.CmpFPredicate.OEQ, m, infinity) for m in maxima]
            maxima = [arith.select(e, self.scalar(0.0), m) for e, m in zip(empty, maxima, strict=True)]
        lowered = [self.broadcast(m) for m in maxima]
        exponents = scf.ForOp(index(0), visible, index(self.length), [self.splat(0.0)] * len(maxima))
        with ir.InsertionPoint(exponents.body):
            sums = []
            for i, (maximum, total) in enumerate(zip(lowered, exponents.inner_iter_args, strict=True)):
                at = [index(i), exponents.induction_variable]
                weight = math.exp(arith.subf(vector.load(self.vector, scores, at), maximum))
                vector.store(weight, scores, at)
                sums.append(arith.addf(weight, total))
            scf.YieldOp(sums)
        totals = [self._sum(value) for value in exponents.results]
        if self.kernel.zero_masked_rows:
            # The weights are zero: whatever they are divided by, the row stays zero.
            totals = [arith.select(e, self.scalar(1.0), t) for e, t in zip(empty, totals, strict=True)]
        if self.kernel.result.lmul is None:
            return [arith.divf(self.scalar(1.0), total) for total in totals]
        self._divide(scores, totals, visible)
        return []

    def _divide(self, scores: ir.Value, totals: Sequence[ir.Value], visible: ir.Value) -> None:
        divisors = [self.broadcast(total) for total in totals]
        divisions = scf.ForOp(index(0), visible, index(self.length))
        with ir.InsertionPoint(divisions.body):
            for i, divisor in enumerate(divisors):
                at = [index(i), divisions.induction_variable]
                weight = arith.divf(vector.load(self.vector, scores, at), divisor)
                vector.store(self.kernel.result.left(weight), scores, at)
            scf.YieldOp([])

    def _sum(self, value: ir.Value) -> ir.Value:
        fast = ir.Attribute.parse("#arith.fastmath<reassoc>")
        return vector.ReductionOp(self.element, vector.CombiningKind.ADD, value, fastmath=fast).result
