"""What an element-wise `linalg.generic` computes at one point, as a nested tuple to match on."""

from __future__ import annotations

from typing import Any

from ..bindings import ir, linalg
from .access import is_elementwise
from .values import constant, defining_op

Expression = tuple[Any, ...]
"""`("in", number)`, `("const", value)`, `("index", loop)`, `("value", outside)` or `(operation, operand, ...)`.

Of `arith.cmpi` and `arith.cmpf` the predicate stands before the operands.
"""

_CASTS = frozenset({"arith.truncf", "arith.extf"})
_COMMUTATIVE = frozenset({"arith.addf", "arith.andi", "arith.maximumf", "arith.maxnumf", "arith.mulf"})


def expression(op: ir.Operation) -> Expression | None:
    """Return what an element-wise `linalg.generic` yields; None for another operation.

    An input that is a constant of one value is that constant; constants stand second where the order is free.
    """
    return yielded(op, 0) if is_elementwise(op) else None


def yielded(op: ir.Operation, number: int) -> Expression:
    """Return what the body of a `linalg.generic` yields for result `number`, outputs as `("in", ...)` too."""
    body = op.regions[0].blocks[0]
    last = list(body.operations)[-1].operation
    return _scalar(op, body, last.operands[number])


def _scalar(op: ir.Operation, body: ir.Block, value: ir.Value) -> Expression:
    if isinstance(value, ir.BlockArgument):
        if value.owner != body:
            return ("value", value)
        number = value.arg_number
        same = constant_of(op.operands[number]) if number < len(op.opview.inputs) else None
        return ("in", number) if same is None else ("const", same)
    producer = value.owner.operation
    attribute = constant(value)
    if isinstance(attribute, (ir.FloatAttr, ir.IntegerAttr, ir.BoolAttr)):
        return ("const", attribute.value)
    if producer.block != body:
        return ("value", value)
    if producer.name == "linalg.index":
        return ("index", producer.attributes["dim"].value)
    operands = [_scalar(op, body, operand) for operand in producer.operands]
    if producer.name in _CASTS and operands[0][0] == "const":
        return operands[0]
    if producer.name in _COMMUTATIVE and operands[0][0] == "const":
        operands.reverse()
    if producer.name in ("arith.cmpi", "arith.cmpf"):
        return (producer.name, producer.attributes["predicate"].value, *operands)
    return (producer.name, *operands)


def constant_of(value: ir.Value) -> float | int | None:
    """Return the number that a scalar or every element of a tensor is, None where that is not known."""
    attribute = constant(value)
    if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
        attribute = attribute.get_splat_value()
    if isinstance(attribute, (ir.FloatAttr, ir.IntegerAttr, ir.BoolAttr)):
        number: float | int = attribute.value
        return number
    op = defining_op(value)
    if op is None:
        return None
    if isinstance(op.opview, linalg.FillOp):
        return constant_of(op.operands[0])
    if op.name in ("tensor.expand_shape", "tensor.collapse_shape"):
        return constant_of(op.operands[0])
    return None
