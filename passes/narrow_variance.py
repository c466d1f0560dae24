"""Take a variance of f32 numbers in f32."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, linalg, tensor
from .base import Pass, PassContext, option
from .values import constant, defining_op
from .walk import find


@dataclass(frozen=True)
class NarrowVariance(Pass):
    """Compute in f32 what an imported variance of f32 numbers computes in f64: mean, squared deviations, their sum.

    torch itself works in f32 there. The importer takes the mean in f64 and adds up the squares of deviations in f64,
    a sum that is then divided and rounded to f32. In f32, with partial sums for v lanes of a vector, the sum of n
    squares, none of them negative, is within (n / v + 4) 2^-24 of itself; that bounds n. A mean that is off by d adds
    d² to the variance, no first-order term. Deviations above 2^64 overflow, as torch's do. Squares marked for L-Mul
    keep their mark: they become L-Mul of f32, the format that torch multiplies in. Left alone: variances that are read
    in f64, rows of unknown length or above `max-length`.
    """

    name: ClassVar[str] = "narrow-variance"
    max_length: int = option(16384, "numbers under one sum above which it stays in f64")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Start from each sum of squares in f64."""
        for square_sum in find(op, lambda inner: _is_sum_of_squares(inner) and self._is_short(inner)):
            chain = _mean(square_sum)
            if chain is None or not all(self._is_short(part) for part in chain):
                continue
            after = [use.owner.operation for use in square_sum.results[0].uses]
            if after and all(_rounds(user, square_sum.results[0]) for user in after):
                _narrow([*chain, square_sum, *dict.fromkeys(after)])
                ctx.count("variances narrowed")

    def _is_short(self, op: ir.Operation) -> bool:
        """Return whether each result of `op` takes at most `max_length` elements of its first input."""
        read, made = op.operands[0].type, op.results[0].type
        if not read.has_static_shape or not made.has_static_shape:
            return False
        return bool(math.prod(read.shape) <= self.max_length * math.prod(made.shape))


def _is_sum_of_squares(op: ir.Operation) -> bool:
    """Return whether `op` adds up the squares of differences of f32 numbers and f64 ones, in f64."""
    if op.name != "linalg.generic" or not op.results:
        return False
    body = _body(op, ("arith.extf", "arith.subf", "arith.mulf", "arith.addf", "linalg.yield"))
    if body is None or len(op.operands) != 3:
        return False
    widen, difference, square, total, end = body
    wide, mean, sum_ = op.regions[0].blocks[0].arguments
    return (
        widen.operands[0] == wide
        and isinstance(wide.type, ir.F32Type)
        and list(difference.operands) == [widen.results[0], mean]
        and list(square.operands) == [difference.results[0]] * 2
        and set(total.operands) == {square.results[0], sum_}
        and end.operands[0] == total.results[0]
        and isinstance(sum_.type, ir.F64Type)
        and _starts_at_zero(op)
    )


def _mean(square_sum: ir.Operation) -> list[ir.Operation] | None:
    """Return the operations that make the mean, in order: a sum in f64 of f32 numbers, divided by a constant.

    None where it comes about in another way, or is read by others too.
    """
    divided = defining_op(square_sum.operands[1])
    if divided is None or divided.name != "linalg.generic" or not _read_by_one(divided, 1):
        return None
    body = _body(divided, ("arith.divf", "linalg.yield"))
    if body is None or body[0].operands[0] != divided.regions[0].blocks[0].arguments[0]:
        return None
    if _number(body[0].operands[1]) is None or len(divided.operands) != 2:
        return None
    summed = defining_op(divided.operands[0])
    if summed is None or summed.name != "linalg.generic" or not _read_by_one(summed, 1):
        return None
    body = _body(summed, ("arith.extf", "arith.addf", "linalg.yield"))
    if body is None or len(summed.operands) != 2 or not _starts_at_zero(summed):
        return None
    value, sum_ = summed.regions[0].blocks[0].arguments
    if not isinstance(value.type, ir.F32Type) or set(body[1].operands) != {body[0].results[0], sum_}:
        return None
    return [summed, divided]


def _rounds(op: ir.Operation, value: ir.Value) -> bool:
    """Return whether `op` makes of `value`, in f64, a quotient by a constant that it rounds to f32 at once.

    It is one that yields no f64, as it does where another variance reads what it has rounded.
    """
    if op.name != "linalg.generic" or list(op.operands).count(value) != 1:
        return False
    if any(isinstance(ir.RankedTensorType(result.type).element_type, ir.F64Type) for result in op.results):
        return False
    arguments = op.regions[0].blocks[0].arguments
    for use in arguments[list(op.operands).index(value)].uses:
        user = use.owner.operation
        if user.name != "arith.divf" or use.operand_number != 0 or _number(user.operands[1]) is None:
            return False
        if any(u.owner.operation.name != "arith.truncf" for u in user.results[0].uses):
            return False
        if any(not isinstance(u.owner.operation.results[0].type, ir.F32Type) for u in user.results[0].uses):
            return False
    return True


def _body(op: ir.Operation, names: tuple[str, ...]) -> list[ir.Operation] | None:
    """Return the operations of the body where these are their names."""
    found = [view.operation for view in op.regions[0].blocks[0].operations]
    return found if tuple(inner.name for inner in found) == names else None


def _starts_at_zero(op: ir.Operation) -> bool:
    fill = defining_op(op.operands[len(op.operands) - 1])
    return fill is not None and fill.name == "linalg.fill" and _number(fill.operands[0]) == 0.0


def _number(value: ir.Value) -> float | None:
    attribute = constant(value)
    return ir.FloatAttr(attribute).value if isinstance(attribute, ir.FloatAttr) else None


def _read_by_one(op: ir.Operation, readers: int) -> bool:
    return len(op.results) == 1 and sum(1 for _ in op.results[0].uses) == readers


def _narrow(operations: list[ir.Operation]) -> None:
    """Replace the operations, which follow one another, by the same in f32."""
    narrow: dict[ir.Value, ir.Value] = {}
    for op in operations:
        inputs = len(op.opview.inputs)
        with ir.InsertionPoint(op), op.location:
            operands = [narrow.get(value, value) for value in op.operands]
            for number in range(inputs, len(operands)):
                operands[number] = _start(op.operands[number])
            new = linalg.GenericOp(
                [value.type for value in operands[inputs:]],
                operands[:inputs],
                operands[inputs:],
                op.attributes["indexing_maps"],
                op.attributes["iterator_types"],
            )
        for name in op.attributes:
            if name.startswith("slipstick."):
                new.operation.attributes[name] = op.attributes[name]
        _clone_narrow(op, new.operation, [ir.RankedTensorType(value.type).element_type for value in operands])
        narrow.update(zip(op.results, new.results, strict=True))
    for op in reversed(operations):
        for old in op.results:
            if old.type == narrow[old].type:
                old.replace_all_uses_with(narrow[old])
        op.erase()


def _start(value: ir.Value) -> ir.Value:
    """Emit what a result in f32 starts with; `value` is what it started with in f64."""
    type_ = ir.RankedTensorType(value.type)
    if not isinstance(type_.element_type, ir.F64Type):
        return value
    f32 = ir.F32Type.get()
    empty = tensor.EmptyOp(list(type_.shape), f32).result
    fill = defining_op(value)
    if fill is None or fill.name != "linalg.fill":
        return empty
    return linalg.fill(arith.ConstantOp(f32, ir.FloatAttr.get(f32, 0.0)).result, outs=[empty])


def _clone_narrow(op: ir.Operation, target: ir.Operation, types: list[ir.Type]) -> None:
    """Fill the body of `target`, whose operands have elements of `types`, with that of `op` in f32.

    What the body computes in f64 from other things than the narrowed values stays.
    """
    old = op.regions[0].blocks[0]
    new = target.regions[0].blocks.append(*types)
    values = dict(zip(old.arguments, new.arguments, strict=True))
    f32 = ir.F32Type.get()
    with ir.InsertionPoint(new):
        for view in old.operations:
            inner = view.operation
            operands = [values.get(operand, operand) for operand in inner.operands]
            narrowed = [o.type != n.type for o, n in zip(inner.operands, operands, strict=True)]
            widens = inner.name == "arith.extf" and op.results[0].type.element_type != types[-1]
            if (inner.name == "arith.truncf" and narrowed[0]) or widens:
                values[inner.results[0]] = operands[0]
                continue
            if not any(narrowed):
                copy = inner.clone()
                for number, operand in enumerate(operands):
                    copy.operands[number] = operand
                values.update(zip(inner.results, copy.results, strict=True))
                continue
            with inner.location:
                for number, operand in enumerate(operands):
                    if isinstance(operand.type, ir.F64Type):
                        value = _number(operand)
                        assert value is not None
                        operands[number] = arith.ConstantOp(f32, ir.FloatAttr.get(f32, value)).result
                attributes = {name: inner.attributes[name] for name in inner.attributes}
                copy = ir.Operation.create(inner.name, [f32] * len(inner.results), operands, attributes=attributes)
                values.update(zip(inner.results, copy.results, strict=True))
