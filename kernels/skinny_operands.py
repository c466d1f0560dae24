"""The forms that operands of a skinny product take: floats, narrow codes, for L-Mul under `finite` bits to be added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..bindings import arith, ir, memref, vector
from .lmul import FORMATS, LMul
from .lmul_emit import combine, fold_offset, prepare
from .matrices import DYNAMIC, strided_matrix_type
from .structured import index, loop
from .weight_emit import channel_exponents, code_type, constant_like, decode, has_biases
from .weight_words import (
    UNIT_BIAS,
    channel_scale,
    decode_words,
    deinterleaved,
    parts_of,
    widen_words,
    word_exponents,
)


@dataclass(frozen=True)
class Channel:
    """What the exponent bias of an output channel of lm8 becomes; each None where it is not used."""

    exponents: ir.Value | None = None
    """What decoding code by code adds, a vector of i32."""
    words: ir.Value | None = None
    """What decoding a register of codes adds, a vector of i16."""
    scale: ir.Value | None = None
    """What the sum is multiplied by, f32."""


class SkinnyOperands:
    """Types, loads and multiplies for operands in vectors of `length` elements.

    `weights` is the format of B's codes, None where B has elements like A. `mark` is put on multiply-adds that L-Mul
    expands later.
    """

    def __init__(
        self, element: ir.Type, length: int, lmul: LMul | None, mark: ir.Attribute | None, weights: str | None
    ):
        self.element, self.length, self.weights, self.mark = element, length, weights, mark
        self.finite = lmul if lmul is not None and lmul.specials == "finite" else None
        self.stored = element if weights is None else code_type(weights)
        self.parts = parts_of(weights)
        self.group = length * self.parts
        """Elements of B in a register."""
        self.vector = ir.VectorType.get([length], element)
        self.stored_vector = ir.VectorType.get([length], self.stored)
        self.register = ir.VectorType.get([self.group], self.stored)
        self.mask_type = ir.VectorType.get([length], ir.IntegerType.get_signless(1))
        self.prepared_type = ir.IntegerType.get_signless(element.width) if self.finite else element
        self.prepared_vector = ir.VectorType.get([length], self.prepared_type)
        self.is_prepared = self.finite is not None or self.parts > 1
        """A is read from a copy: in the order of the parts, L-Mul's work on it done."""
        self.scaled = weights is not None and has_biases(weights) and lmul is None
        # bf16's words are short enough for L-Mul to work on two weights at once.
        self.prepares_words = (
            self.finite is not None and self.parts > 2 and self.finite.mantissa_bits <= FORMATS["bf16"].mantissa_bits
        )

    @property
    def types(self) -> list[ir.MemRefType]:
        """The types of B with contiguous rows and, for lm8, of the exponent biases."""
        types = [strided_matrix_type(self.stored, unit_columns=True)]
        if self.weights is not None and has_biases(self.weights):
            types.append(ir.MemRefType.get([DYNAMIC], ir.IntegerType.get_signless(32)))
        return types

    def channel(self, biases: ir.Value | None, column: ir.Value) -> Channel:
        """Emit what is used of the bias of a column of B."""
        if biases is None:
            return Channel()
        bias = memref.load(biases, [column])
        if self.scaled:
            unit = channel_exponents(constant_like(bias, UNIT_BIAS))
            return Channel(exponents=self._splat(unit, self.length), scale=channel_scale(bias))
        words = self._splat(word_exponents(bias), self.length * 2)
        return Channel(self._splat(channel_exponents(bias), self.length), words)

    def left(self, value: ir.Value) -> ir.Value:
        """Emit what is multiplied for values of A: for L-Mul under `finite`, bits with the offset folded in."""
        return value if self.finite is None else fold_offset(self.finite, prepare(self.finite, value), self.element)

    def right(self, value: ir.Value, exponents: ir.Value | None = None) -> ir.Value:
        """Emit what is multiplied for values, or codes one by one, of B."""
        if self.weights is not None:
            value = decode(self.weights, value, exponents)
        return value if self.finite is None else prepare(self.finite, value)

    def right_parts(self, register: ir.Value, words: ir.Value | None) -> list[ir.Value]:
        """Emit what is multiplied for a register of B, in the order of the parts."""
        if self.weights is None:
            return [self.right(register)]
        decoded = decode_words(self.weights, register, words)
        if self.finite is not None and self.prepares_words:
            bf16 = ir.VectorType.get(decoded[0].type.shape, ir.BF16Type.get())
            i32 = ir.VectorType.get([self.length], ir.IntegerType.get_signless(32))
            decoded = [prepare(self.finite, arith.bitcast(bf16, value)) for value in decoded]
            return [arith.bitcast(i32, value) for value in widen_words(decoded)]
        return [value if self.finite is None else prepare(self.finite, value) for value in widen_words(decoded)]

    def multiply_add(self, x: ir.Value, y: ir.Value, total: ir.Value, mask: ir.Value | None = None) -> ir.Value:
        """Emit `total + x · y` for vectors of `left` and `right`."""
        if self.finite is not None:
            product = combine(self.finite, x, y, self.element)
            if mask is not None:
                # Under `finite` zeros times zeros are not zero.
                product = arith.select(mask, product, self.zero)
            return arith.addf(product, total)
        fused = vector.FMAOp(x, y, total)
        if self.mark is not None:
            fused.operation.attributes["slipstick.lmul"] = self.mark
        return fused.result

    def load(self, type_: ir.VectorType, source: ir.Value, at: Sequence[ir.Value], mask: ir.Value | None) -> ir.Value:
        """Emit a load of a vector; lanes outside the mask are zero."""
        if mask is None:
            return vector.load(type_, source, list(at))
        element = type_.element_type
        zero = ir.IntegerAttr.get(element, 0) if isinstance(element, ir.IntegerType) else ir.FloatAttr.get(element, 0.0)
        rest = arith.constant(type_, ir.DenseElementsAttr.get_splat(type_, zero))
        return vector.maskedload(type_, source, list(at), mask, rest)

    def prepared_copy(self, a: ir.Value, rows: int, depth: ir.Value) -> ir.Value:
        """Emit a copy of the first `depth` columns of A, a multiple of `group`: `left` of them, each group in parts."""
        type_ = ir.MemRefType.get([rows, DYNAMIC], self.prepared_type)
        copy = memref.alloc(type_, [depth], [], alignment=64)
        for row in loop(index(0), index(rows)):
            for k in loop(index(0), depth, self.group):
                places = [arith.addi(k, index(part * self.length)) for part in range(self.parts)]
                values = [vector.load(self.vector, a, [row, place]) for place in places]
                for value, place in zip(deinterleaved(values), places, strict=True):
                    vector.store(self.left(value), copy, [row, place])
        return copy

    @property
    def zero(self) -> ir.Value:
        """A vector of zeros."""
        splat = ir.DenseElementsAttr.get_splat(self.vector, ir.FloatAttr.get(self.element, 0.0))
        return arith.constant(self.vector, splat)

    def _splat(self, value: ir.Value, length: int) -> ir.Value:
        return vector.broadcast(ir.VectorType.get([length], value.type), value)
