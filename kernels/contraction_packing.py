"""The form in which a packed matrix product reads its operands, and the step that multiplies and adds them."""

from __future__ import annotations

from ..bindings import arith, ir, vector
from .decision import ContractionSchedule
from .lmul import LMul
from .lmul_emit import combine, fold_offset, prepare
from .matrices import DYNAMIC, Contiguous, strided_matrix_type
from .panels import PANELS, panels_type
from .weight_emit import code_type, decode, has_biases


class Packing:
    """The form that operands take when they are packed: floats, or for L-Mul under `finite` the bits that are added.

    With `weights`, a format of narrow weights, B is codes of it, which are decoded while they are packed; with
    "panels", B is packed already. An A that is read in place has rows `row_stride` elements apart, None: any number.
    `contiguous` says which lines of a B that is packed here have no gaps, so that the next part of it can be fetched.
    """

    def __init__(
        self,
        element: ir.Type,
        schedule: ContractionSchedule,
        lmul: LMul | None,
        weights: str | None = None,
        row_stride: int | None = None,
        contiguous: Contiguous | None = None,
    ):
        self.element, self.schedule = element, schedule
        self.contiguous = contiguous
        self.is_ready = weights == PANELS
        self.weights = None if self.is_ready else weights
        self.stored = element if self.weights is None else code_type(self.weights)
        self.b_type = panels_type(element, schedule.tile_columns) if self.is_ready else strided_matrix_type(self.stored)
        i32 = ir.IntegerType.get_signless(32)
        self.bias_types = [ir.MemRefType.get([DYNAMIC], i32)] if self.weights and has_biases(self.weights) else []
        self.finite = lmul if lmul is not None and lmul.specials == "finite" else None
        self.packed = ir.IntegerType.get_signless(element.width, element.context) if self.finite else element
        s = schedule
        self.rows_type = (
            ir.MemRefType.get([s.m_block // s.tile_rows, s.a_depth, s.tile_rows], self.packed)
            if s.pack_left
            else strided_matrix_type(element, unit_columns=True, row_stride=row_stride)
        )
        self.panel_type = ir.MemRefType.get([s.k_block, s.tile_columns], self.packed)
        self.vector = ir.VectorType.get([s.vector_length], element)
        self.stored_vector = ir.VectorType.get([s.vector_length], self.stored)
        self.bias_vector = ir.VectorType.get([s.vector_length], i32)
        self.packed_vector = ir.VectorType.get([s.vector_length], self.packed)
        self.mask_type = ir.VectorType.get([s.vector_length], ir.IntegerType.get_signless(1))

    def packed_left(self, value: ir.Value) -> ir.Value:
        """Emit what is packed for a value of A; the offset of L-Mul is folded in where B is packed already."""
        if self.finite is None:
            return value
        bits = prepare(self.finite, value)
        return fold_offset(self.finite, bits, self.element) if self.is_ready else bits

    def packed_right(self, value: ir.Value, exponents: ir.Value | None = None) -> ir.Value:
        """Emit what is packed for a value of B, or a vector of them: the offset of L-Mul is folded in.

        Codes of narrow weights are decoded, lm8 with the `exponents` of their columns.
        """
        if self.weights is not None:
            value = decode(self.weights, value, exponents)
        if self.finite is None:
            return value
        return fold_offset(self.finite, prepare(self.finite, value), self.element)

    def load_right(self, panel: ir.Value, at: list[ir.Value]) -> ir.Value:
        """Emit the load of a vector of B's panel, as `multiply_add` takes it."""
        if not self.is_ready:
            return vector.load(self.packed_vector, panel, at)
        value = vector.load(self.vector, panel, at)
        return value if self.finite is None else arith.bitcast(self.packed_vector, value)

    def multiply_add(self, a: ir.Value, b: ir.Value, accumulator: ir.Value, mark: ir.Attribute | None) -> ir.Value:
        """Emit `accumulator + a · b` for packed vectors."""
        if self.finite is not None:
            return arith.addf(combine(self.finite, a, b, self.element), accumulator)
        product = vector.FMAOp(a, b, accumulator)
        if mark is not None:
            product.operation.attributes["slipstick.lmul"] = mark
        return product.result
