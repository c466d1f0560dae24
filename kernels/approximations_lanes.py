"""f32 and i32 lanes with Python's operators: what the approximations of elementary functions are written in.

A `Lanes` is a scalar or a vector (fixed or scalable) of f32, i32 or i1, and where said of f64 and i64. Each operation
emits one `arith` or `math` op at the current insertion point and location; a Python number becomes a constant, splat
over a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bindings import arith, ir, llvm, math, vector

SIGN_BIT = -(1 << 31)
"""The sign bit of an f32 as an i32."""


@dataclass(frozen=True)
class Lanes:
    """A scalar or vector of f32, i32 or i1."""

    value: ir.Value

    # The comparison and arithmetic of floats is IEEE's, without fast-math flags; that of integers is modulo 2^32.

    def __add__(self, other: Lanes | float) -> Lanes:
        return Lanes((arith.addf if self._is_float else arith.addi)(self.value, self._like(other).value))

    def __sub__(self, other: Lanes | float) -> Lanes:
        return Lanes((arith.subf if self._is_float else arith.subi)(self.value, self._like(other).value))

    def constant(self, value: float) -> Lanes:
        """Return a constant of the type of self."""
        return self._like(value)

    def __rsub__(self, other: float) -> Lanes:
        return self._like(other) - self

    def __mul__(self, other: Lanes | float) -> Lanes:
        return Lanes((arith.mulf if self._is_float else arith.muli)(self.value, self._like(other).value))

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return Lanes(arith.divf(self.value, self._like(other).value))

    def __rtruediv__(self, other: float) -> Lanes:
        return self._like(other) / self

    def __and__(self, other: Lanes | int) -> Lanes:
        return Lanes(arith.andi(self.value, self._like(other).value))

    def __or__(self, other: Lanes | int) -> Lanes:
        return Lanes(arith.ori(self.value, self._like(other).value))

    def __xor__(self, other: Lanes | int) -> Lanes:
        return Lanes(arith.xori(self.value, self._like(other).value))

    def __lshift__(self, amount: Lanes | int) -> Lanes:
        return Lanes(arith.shli(self.value, self._like(amount).value))

    def __rshift__(self, amount: int) -> Lanes:
        """Shift right, filling with the sign."""
        return Lanes(arith.shrsi(self.value, self._like(amount).value))

    def __lt__(self, other: Lanes | float) -> Lanes:
        """Compare floats; false beside a NaN."""
        return self._compare(arith.CmpFPredicate.OLT, other)

    def __gt__(self, other: Lanes | float) -> Lanes:
        """Compare floats; false beside a NaN."""
        return self._compare(arith.CmpFPredicate.OGT, other)

    def equals(self, other: Lanes | float) -> Lanes:
        """Compare floats (`==` stays Python's); false beside a NaN."""
        return self._compare(arith.CmpFPredicate.OEQ, other)

    def differs(self, other: Lanes | float) -> Lanes:
        """Compare floats; true beside a NaN."""
        return self._compare(arith.CmpFPredicate.UNE, other)

    def greater_integer(self, other: int) -> Lanes:
        """Compare signed integers."""
        return Lanes(arith.cmpi(arith.CmpIPredicate.sgt, self.value, self._like(other).value))

    def shift_right_unsigned(self, amount: Lanes | int) -> Lanes:
        """Shift integers right, filling with zeros."""
        return Lanes(arith.shrui(self.value, self._like(amount).value))

    def fma(self, factor: Lanes | float, addend: Lanes | float) -> Lanes:
        """Return self * factor + addend, rounded once."""
        return Lanes(math.fma(self.value, self._like(factor).value, self._like(addend).value))

    def sqrt(self) -> Lanes:
        """Return the correctly rounded square root."""
        return Lanes(math.sqrt(self.value))

    def at_least(self, low: float) -> Lanes:
        """Return the greater of self and `low`; a NaN stays. The form is that of one x86 `maxps`."""
        return (self < low).select(self._like(low), self)

    def at_most(self, high: float) -> Lanes:
        """Return the lesser of self and `high`; a NaN stays. The form is that of one x86 `minps`."""
        return (self > high).select(self._like(high), self)

    def select(self, if_true: Lanes, if_false: Lanes | float) -> Lanes:
        """Choose lane by lane; self is i1."""
        return Lanes(arith.select(self.value, if_true.value, if_true._like(if_false).value))

    def bits(self) -> Lanes:
        """Return f32 as i32, bit for bit."""
        return Lanes(arith.bitcast(self._with_element(ir.IntegerType.get_signless(32)), self.value))

    def as_float(self) -> Lanes:
        """Return i32 as f32, bit for bit."""
        return Lanes(arith.bitcast(self._with_element(ir.F32Type.get()), self.value))

    def to_float(self) -> Lanes:
        """Return the signed i32 as the nearest f32."""
        return Lanes(arith.sitofp(self._with_element(ir.F32Type.get()), self.value))

    def to_double(self) -> Lanes:
        """Return the signed i32 as f64."""
        return Lanes(arith.sitofp(self._with_element(ir.F64Type.get()), self.value))

    def widened(self) -> Lanes:
        """Return f32 as f64."""
        return Lanes(arith.extf(self._with_element(ir.F64Type.get()), self.value))

    def truncated(self) -> Lanes:
        """Return the integer next to self towards zero."""
        return Lanes(math.trunc(self.value))

    def to_single(self) -> Lanes:
        """Return f64 rounded to f32."""
        return Lanes(arith.truncf(self._with_element(ir.F32Type.get()), self.value))

    def to_i64(self) -> Lanes:
        """Return the unsigned i32 as i64."""
        return Lanes(arith.extui(self._with_element(ir.IntegerType.get_signless(64)), self.value))

    def to_i32(self) -> Lanes:
        """Return the low half of i64."""
        return Lanes(arith.trunci(self._with_element(ir.IntegerType.get_signless(32)), self.value))

    def scaled_by_avx512(self, exponent: Lanes) -> Lanes:
        """Return self * 2^exponent, rounded once, for 16, 32, 64, ... lanes of f32: AVX-512's `vscalefps`."""
        lanes = self.value.type.shape[0]
        if lanes > 16:
            pairs = zip(self._halves(), exponent._halves(), strict=True)
            low, high = (value.scaled_by_avx512(power).value for value, power in pairs)
            return Lanes(vector.shuffle(low, high, list(range(lanes))))
        mask = arith.ConstantOp(ir.IntegerType.get_signless(16), -1).result
        as_mode_says = arith.ConstantOp(ir.IntegerType.get_signless(32), 4).result
        operands = [self.value, exponent.value, self.value, mask, as_mode_says]
        return Lanes(llvm.call_intrinsic(self.value.type, "llvm.x86.avx512.mask.scalef.ps.512", operands, [], []))

    def looked_up_avx512(self, table: Sequence[float]) -> Lanes:
        """Return the f32 of a table of 32 that each index points to, an i32 modulo 32: AVX-512's `vpermi2ps`.

        Self has 16, 32, 64, ... lanes.
        """
        lanes = self.value.type.shape[0]
        if lanes > 16:
            low, high = (half.looked_up_avx512(table).value for half in self._halves())
            return Lanes(vector.shuffle(low, high, list(range(lanes))))
        type_ = self._with_element(ir.F32Type.get())
        halves = (np.array(half, np.float32) for half in (table[:16], table[16:]))
        low, high = (arith.ConstantOp(type_, ir.DenseElementsAttr.get(half, type=type_)).result for half in halves)
        return Lanes(llvm.call_intrinsic(type_, "llvm.x86.avx512.vpermi2var.ps.512", [low, self.value, high], [], []))

    def _halves(self) -> tuple[Lanes, Lanes]:
        half = self.value.type.shape[0] // 2
        parts = (list(range(i, i + half)) for i in (0, half))
        low, high = (Lanes(vector.shuffle(self.value, self.value, part)) for part in parts)
        return low, high

    def magnitude(self) -> Lanes:
        """Return the absolute value."""
        return Lanes(math.absf(self.value))

    def with_sign_of(self, other: Lanes) -> Lanes:
        """Return self, which has a positive sign or is NaN, with the sign of `other`."""
        return (self.bits() | (other.bits() & SIGN_BIT)).as_float()

    def polynomial(self, coefficients: Sequence[float]) -> Lanes:
        """Return c[0] + c[1] x + c[2] x² + ... by Horner's rule, one fused multiply-add a step."""
        total: Lanes | float = coefficients[-1]
        for coefficient in reversed(coefficients[:-1]):
            total = self.fma(total, coefficient)
        return self._like(total)

    @property
    def _is_float(self) -> bool:
        return isinstance(_element(self.value.type), (ir.F32Type, ir.F64Type))

    def _compare(self, predicate: arith.CmpFPredicate, other: Lanes | float) -> Lanes:
        return Lanes(arith.cmpf(predicate, self.value, self._like(other).value))

    def _like(self, other: Lanes | float) -> Lanes:
        if isinstance(other, Lanes):
            return other
        type_ = self.value.type
        element = _element(type_)
        attribute: ir.Attribute
        if isinstance(element, ir.IntegerType):
            half = 1 << (element.width - 1)
            attribute = ir.IntegerAttr.get(element, (int(other) + half) % (2 * half) - half)
        else:
            attribute = ir.FloatAttr.get(element, other)
        if isinstance(type_, ir.VectorType):
            attribute = ir.DenseElementsAttr.get_splat(type_, attribute)
        return Lanes(arith.ConstantOp(type_, attribute).result)

    def _with_element(self, element: ir.Type) -> ir.Type:
        return with_element(self.value.type, element)


def with_element(type_: ir.Type, element: ir.Type) -> ir.Type:
    """Return `element`, or a vector of it shaped as the vector type `type_`."""
    if isinstance(type_, ir.VectorType):
        return ir.VectorType.get(type_.shape, element, scalable=type_.scalable_dims)
    return element


def _element(type_: ir.Type) -> ir.Type:
    return type_.element_type if isinstance(type_, ir.VectorType) else type_
