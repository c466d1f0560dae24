"""Emits one loop along a row on vectors: short rows without a loop, the last vector of a row masked.

Most of a row is computed in wide vectors, of several registers each: LLVM splits every operation on them, so that the
instructions of independent registers alternate and none waits for the one before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..bindings import arith, ir, math, memref, scf, vector
from ..kernels.structured import index
from .row_accumulators import Accumulation
from .row_loops import RowLoop
from .values import constant

STRAIGHT = 16
"""Registers of a row up to which there is no loop: what one operation hands to the next can stay in registers."""


@dataclass
class RowEmitter:
    """Emits the loop `row` at the current insertion point.

    `lanes` is the elements of a register, `wide` those of a wide vector, a power of two times as many.
    """

    row: RowLoop
    lanes: int
    wide: int
    split_extremes: bool
    straight: int = STRAIGHT
    """Registers of a row up to which there is no loop."""
    _fixed: dict[ir.Value, ir.Value] = field(default_factory=dict)  # by value of the body: the same for all iterations
    _inverse: dict[ir.Value, tuple[ir.Value, ir.Value]] = field(default_factory=dict)  # by divisor

    def emit(self) -> None:
        """Emit the loop."""
        self._emit_fixed()
        accumulations = [Accumulation(op, self.split_extremes) for op in self.row.combine]
        length, lanes, wide = self.row.length, self.lanes, self.wide
        totals = [a.start(wide if length >= wide else lanes) for a in accumulations]
        end_of_wide, end_of_whole = length // wide * wide, length // lanes * lanes
        first = end_of_wide if end_of_wide > self.straight * lanes else 0
        if first:
            totals = self._loop(first, accumulations, totals)
        for start in range(first, end_of_wide, wide):
            totals = self._step(index(start), wide, accumulations, totals)
        totals = [a.narrowed(t, lanes) for a, t in zip(accumulations, totals, strict=True)]
        for start in range(end_of_wide, end_of_whole, lanes):
            totals = self._step(index(start), lanes, accumulations, totals)
        if length > end_of_whole:
            mask = vector.constant_mask(_vector(lanes, ir.IntegerType.get_signless(1)), [length - end_of_whole])
            totals = self._step(index(end_of_whole), lanes, accumulations, totals, mask)
        outputs = list(self.row.op.operands)[self.row.inputs :]
        for accumulation, values, output in zip(accumulations, totals, outputs, strict=False):
            memref.store(accumulation.finished(values, memref.load(output, [])), output, [])

    def _loop(self, end: int, accumulations: list[Accumulation], totals: list[list[ir.Value]]) -> list[list[ir.Value]]:
        loop = scf.ForOp(index(0), index(end), index(self.wide), [v for t in totals for v in t])
        with ir.InsertionPoint(loop.body):
            carried = _split(list(loop.inner_iter_args), totals)
            after = self._step(loop.induction_variable, self.wide, accumulations, carried)
            scf.YieldOp([v for t in after for v in t])
        return _split(list(loop.results), totals)

    def _step(
        self,
        start: ir.Value,
        lanes: int,
        accumulations: list[Accumulation],
        totals: list[list[ir.Value]],
        mask: ir.Value | None = None,
    ) -> list[list[ir.Value]]:
        """Emit `lanes` iterations from `start` on, with `mask` only those; return the totals after them."""
        values = self._iterations(start, lanes, mask)
        if mask is not None:
            values = [a.without(v, mask) for a, v in zip(accumulations, values, strict=True)]
        return [a.add(t, v) for a, t, v in zip(accumulations, totals, values, strict=True)]

    def _iterations(self, start: ir.Value, lanes: int, mask: ir.Value | None) -> list[ir.Value]:
        """Emit the body: store rows, or return what is to be accumulated in each output."""
        row, values = self.row, dict[ir.Value, ir.Value]()
        places = {
            argument: operand
            for argument, operand, along in zip(row.body.arguments, row.op.operands, row.along, strict=True)
            if along
        }
        for view in row.body.operations:
            op = view.operation
            # Loads stand where they are first needed: in front of all, those of many columns would fill the registers.
            for operand in op.operands:
                if operand in places and operand not in values:
                    values[operand] = _load(places[operand], start, lanes, mask)
            if op not in row.combine and op.name != "linalg.yield" and op.results[0] not in self._fixed:
                values[op.results[0]] = self._widened(op, lanes, values)
        outputs = list(row.body.arguments)[row.inputs :]
        if row.combine:
            accumulated = (
                next(o for o in op.operands if o != output) for op, output in zip(row.combine, outputs, strict=True)
            )
            return [self._value(value, lanes, values) for value in accumulated]
        end = row.body.operations[len(row.body.operations) - 1]
        for value, operand in zip(end.operands, list(row.op.operands)[row.inputs :], strict=True):
            _store(self._value(value, lanes, values), operand, start, mask)
        return []

    def _widened(self, op: ir.Operation, lanes: int, values: dict[ir.Value, ir.Value]) -> ir.Value:
        """Emit an operation of the body on vectors."""
        if op.name == "arith.divf" and op.operands[1] in self._inverse:
            scale, inverse = (vector.broadcast(_vector(lanes, v.type), v) for v in self._inverse[op.operands[1]])
            return arith.mulf(arith.mulf(self._value(op.operands[0], lanes, values), scale), inverse)
        operands = [self._value(o, lanes, values) for o in op.operands]
        attributes = {name: op.attributes[name] for name in op.attributes}
        type_ = _vector(lanes, op.results[0].type)
        return ir.Operation.create(op.name, [type_], operands, attributes=attributes).results[0]

    def _emit_fixed(self) -> None:
        """Emit what is the same in all iterations, and the inverses of divisors among it."""
        row = self.row
        for argument, operand, along in zip(row.body.arguments, row.op.operands, row.along, strict=True):
            if not along and argument.arg_number < row.inputs:
                self._fixed[argument] = memref.load(operand, [])
        for view in row.body.operations:
            op = view.operation
            if op.name == "linalg.yield" or op in row.combine:
                continue
            if all(o in self._fixed or self._is_outside(o) for o in op.operands):
                copy = op.clone()
                for number, operand in enumerate(op.operands):
                    copy.operands[number] = self._fixed.get(operand, operand)
                self._fixed[op.results[0]] = copy.results[0]
            elif op.name == "arith.divf" and isinstance(op.results[0].type, ir.F32Type):
                divisor = self._fixed.get(op.operands[1])
                if divisor is not None and constant(divisor) is None:
                    self._inverse[op.operands[1]] = _scaled_inverse(divisor)

    def _is_outside(self, value: ir.Value) -> bool:
        block = value.owner if isinstance(value.owner, ir.Block) else value.owner.operation.block
        return bool(block != self.row.body)

    def _value(self, value: ir.Value, lanes: int, values: dict[ir.Value, ir.Value]) -> ir.Value:
        """Return the vector of a value of the body."""
        found = values.get(value)
        return vector.broadcast(_vector(lanes, value.type), self._fixed.get(value, value)) if found is None else found


def _load(memory: ir.Value, start: ir.Value, lanes: int, mask: ir.Value | None) -> ir.Value:
    element = ir.MemRefType(memory.type).element_type
    type_ = _vector(lanes, element)
    if mask is None:
        return vector.load(type_, memory, [start])
    is_integer = isinstance(element, ir.IntegerType)
    zero = ir.IntegerAttr.get(element, 0) if is_integer else ir.FloatAttr.get(element, 0.0)
    filler = arith.ConstantOp(type_, ir.DenseElementsAttr.get_splat(type_, zero)).result
    return vector.maskedload(type_, memory, [start], mask, filler)


def _store(value: ir.Value, memory: ir.Value, start: ir.Value, mask: ir.Value | None) -> None:
    if mask is None:
        vector.store(value, memory, [start])
    elif _keeps_one(mask):
        # LLVM 22 makes a masked store of one lane a store of all that it was cut from: 4 bytes for an i8 of i32.
        memref.store(vector.extract(value, [], [0]), memory, [start])
    else:
        vector.maskedstore(memory, [start], mask, value)


def _keeps_one(mask: ir.Value) -> bool:
    made = mask.owner
    return made.name == "vector.constant_mask" and list(made.attributes["mask_dim_sizes"]) == [1]


def _scaled_inverse(divisor: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Return c and 1 / (c d) for a divisor d, an f32, where c is a power of two that keeps the inverse a normal number.

    Then (x c) (1 / (c d)) is x / d to within one unit and a half in the last place, for every x and d: where x c
    overflows or loses bits, so does x / d.
    """
    type_ = ir.F32Type.get()

    def number(value: float) -> ir.Value:
        return arith.ConstantOp(type_, ir.FloatAttr.get(type_, value)).result

    size = math.absf(divisor)
    small = arith.cmpf(arith.CmpFPredicate.OLT, size, number(2.0**-64))
    large = arith.cmpf(arith.CmpFPredicate.OGT, size, number(2.0**64))
    scale = arith.select(small, number(2.0**64), arith.select(large, number(2.0**-64), number(1.0)))
    return scale, arith.divf(number(1.0), arith.mulf(divisor, scale))


def _vector(lanes: int, element: ir.Type) -> ir.VectorType:
    return ir.VectorType.get([lanes], element)


def _split(values: Sequence[ir.Value], like: list[list[ir.Value]]) -> list[list[ir.Value]]:
    rest = iter(values)
    return [[next(rest) for _ in group] for group in like]
