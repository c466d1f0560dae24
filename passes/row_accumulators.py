"""Accumulators of reductions in vectors: a partial result for each lane, brought together at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

from ..bindings import arith, ir, vector

_EXTREMES = {"arith.maximumf": arith.CmpFPredicate.OGT, "arith.minimumf": arith.CmpFPredicate.OLT}
"""Maximum and minimum that keep a NaN, and the comparison that chooses between numbers."""


@dataclass(frozen=True)
class Accumulation:
    """How one output of a reduction accumulates: `op` is its scalar operation, as in `arith.addf`.

    With `split`, a maximum or minimum that keeps NaN is taken of the numbers, which is one instruction of x86, and the
    lanes that met a NaN are noted beside it. Of zeros of both signs it may give either. Totals are one vector, and in
    that case another of i1.
    """

    op: ir.Operation
    split: bool

    def start(self, lanes: int) -> list[ir.Value]:
        """Emit what the totals start with: the neutral element in all lanes, and no lane with a NaN."""
        values = [self._neutral(lanes)]
        if self._notes_nan:
            mask = ir.VectorType.get([lanes], ir.IntegerType.get_signless(1))
            values.append(arith.ConstantOp(mask, ir.DenseElementsAttr.get_splat(mask, ir.BoolAttr.get(False))).result)
        return values

    def add(self, totals: Sequence[ir.Value], value: ir.Value) -> list[ir.Value]:
        """Emit the totals after another vector."""
        after = [self._combine(totals[0], value)]
        if self._notes_nan:
            after.append(arith.ori(totals[1], arith.cmpf(arith.CmpFPredicate.UNO, value, value)))
        return after

    def without(self, value: ir.Value, mask: ir.Value) -> ir.Value:
        """Emit `value` with the neutral element in the lanes that `mask` leaves out."""
        return arith.select(mask, value, self._neutral(value.type.shape[0]))

    def narrowed(self, totals: Sequence[ir.Value], lanes: int) -> list[ir.Value]:
        """Emit the totals brought together in `lanes` lanes: halves are combined."""
        values = list(totals)
        while values[0].type.shape[0] > lanes:
            low, high = _halves(values[0])
            values[0] = self._combine(low, high)
            if self._notes_nan:
                values[1] = arith.ori(*_halves(values[1]))
        return values

    def finished(self, totals: Sequence[ir.Value], start: ir.Value) -> ir.Value:
        """Emit the scalar that totals come to, together with `start`."""
        value = totals[0]
        while value.type.shape[0] > 1:
            value = self._combine(*_halves(value))
        total = vector.extract(value, [], [0])
        if self._notes_nan:
            met = vector.reduction(ir.IntegerType.get_signless(1), ir.Attribute.parse("#vector.kind<or>"), totals[1])
            lost = arith.ConstantOp(total.type, ir.FloatAttr.get(total.type, nan)).result
            total = arith.select(met, lost, total)
        return self._scalar(total, start)

    @property
    def _notes_nan(self) -> bool:
        return self.split and self.op.name in _EXTREMES

    def _combine(self, x: ir.Value, y: ir.Value) -> ir.Value:
        if self._notes_nan:
            return arith.select(arith.cmpf(_EXTREMES[self.op.name], x, y), x, y)
        return self._scalar(x, y)

    def _scalar(self, x: ir.Value, y: ir.Value) -> ir.Value:
        attributes = {name: self.op.attributes[name] for name in self.op.attributes}
        return ir.Operation.create(self.op.name, [x.type], [x, y], attributes=attributes).results[0]

    def _neutral(self, lanes: int) -> ir.Value:
        type_ = ir.VectorType.get([lanes], self.op.results[0].type)
        attribute = ir.DenseElementsAttr.get_splat(type_, _neutral(self.op.name, type_.element_type))
        return arith.ConstantOp(type_, attribute).result


def _halves(value: ir.Value) -> tuple[ir.Value, ir.Value]:
    half = value.type.shape[0] // 2
    low, high = (vector.shuffle(value, value, list(range(i, i + half))) for i in (0, half))
    return low, high


def _neutral(name: str, element: ir.Type) -> ir.Attribute:
    if isinstance(element, ir.IntegerType):
        half = 1 << (element.width - 1)
        integer = {"arith.andi": -1, "arith.maxsi": -half, "arith.minsi": half - 1, "arith.minui": -1, "arith.muli": 1}
        return ir.IntegerAttr.get(element, integer.get(name, 0))
    number = {"arith.addf": -0.0, "arith.mulf": 1.0, "arith.maximumf": -inf, "arith.minimumf": inf}
    # The neutral element of maxnumf and minnumf is NaN, which they pass over.
    return ir.FloatAttr.get(element, number.get(name, nan))
