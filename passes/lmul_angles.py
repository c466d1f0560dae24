"""Which products are angles of positions or positions themselves: index arithmetic in floats, which L-Mul leaves alone.

A rotary embedding multiplies a position, an integer, by a frequency and takes sine and cosine of the product. L-Mul's
error is a share of its result; of the 511 radians of a 512th token, 12 % are ten turns: sine and cosine of another
angle altogether, and keys that fit none of those in a cache. So such a product is exact in every scope.

Interpolation multiplies the places of its results by a step, and reads the input at the integers beside the product: an
error there reads other elements, or behind the last one. So a product that only indices, sizes and constants go into is
exact as well.
"""

from __future__ import annotations

from typing import Final

from ..bindings import ir
from .values import defining_op

_CONVERSIONS: Final = frozenset({"arith.sitofp", "arith.uitofp"})
_PERIODIC: Final = frozenset({"math.cos", "math.sin", "math.sincos", "math.tan"})
_SUMS: Final = frozenset({"arith.addf", "arith.subf", "arith.negf"})
_SAME: Final = frozenset(
    {
        "arith.extf",
        "arith.truncf",
        "linalg.broadcast",
        "linalg.transpose",
        "tensor.cast",
        "tensor.collapse_shape",
        "tensor.concat",
        "tensor.expand_shape",
        "tensor.extract",
        "tensor.extract_slice",
        "tensor.insert_slice",
        "vector.broadcast",
    }
)
"""Operations that rearrange, repeat, join or convert; what they read last may be where a result goes."""
_INDICES: Final = frozenset({"linalg.index", "memref.dim", "tensor.dim"})
_WITHOUT_INPUTS: Final = frozenset({"tensor.empty"})
_MOST: Final = 64
"""Values that are looked at: many times those between a position and its sine."""


def is_angle_of_position(multiply: ir.Operation) -> bool:
    """Tell whether `multiply`, of scalars or tensors, scales an integer to what only sines and cosines are taken of."""
    return any(_was_integer(factor) for factor in list(multiply.operands)[:2]) and all(
        _only_periodic(result) for result in multiply.results
    )


def is_position(multiply: ir.Operation) -> bool:
    """Tell whether what `multiply` makes follows from indices, sizes and constants, and an index or size is among them.

    Whatever a tensor or scalar that is given goes into is none; neither is a constant: those may be weights.
    """
    seen: set[ir.Value] = set()
    left = list(multiply.operands)
    has_index = False
    while left:
        value = left.pop()
        if value in seen:
            continue
        seen.add(value)
        op = defining_op(value)
        if len(seen) > _MOST:
            return False
        if op is None:
            tensor = _read_by_body(value)
            if tensor is None:
                return False
            left.append(tensor)
        elif op.name in _INDICES:
            has_index = True
        elif op.name == "linalg.generic":
            yielded = _yielded(op, value)
            if yielded is None:
                return False
            left.append(yielded)
        elif op.name in _WITHOUT_INPUTS or op.name.startswith(("arith.", "math.")) or op.name in _SAME:
            left.extend(op.operands)
        else:
            return False
    return has_index


def _was_integer(value: ir.Value) -> bool:
    """Tell whether `value` is a converted integer, seen through what rearranges and through bodies of linalg."""
    for _ in range(_MOST):
        op = defining_op(value)
        if op is None:
            source = _read_by_body(value)
        elif op.name in _CONVERSIONS:
            return True
        elif op.name in _SAME:
            source = op.operands[0]
        else:
            source = _yielded(op, value)
        if source is None:
            return False
        value = source
    return False


def _read_by_body(argument: ir.Value) -> ir.Value | None:
    """Return the tensor whose elements an argument of a linalg body stands for; None for any other."""
    block = ir.BlockArgument(argument).owner
    holder = block.owner.operation
    if not holder.name.startswith("linalg.") or "operandSegmentSizes" not in holder.attributes:
        return None
    number = ir.BlockArgument(argument).arg_number
    return holder.operands[number] if number < holder.attributes["operandSegmentSizes"][0] else None


def _yielded(op: ir.Operation, result: ir.Value) -> ir.Value | None:
    """Return what the body of a `linalg.generic` yields as `result`; None for other operations."""
    if op.name != "linalg.generic":
        return None
    return list(op.regions[0].blocks[0].operations)[-1].operands[ir.OpResult(result).result_number]


def _only_periodic(value: ir.Value) -> bool:
    """Tell whether `value` is read, and nowhere but by periodic functions, sums before them included."""
    seen: set[ir.Value] = set()
    left = [value]
    while left:
        value = left.pop()
        if value in seen:
            continue
        seen.add(value)
        uses = list(value.uses)
        if not uses or len(seen) > _MOST:
            return False
        for use in uses:
            reader = use.owner.operation
            if reader.name in _PERIODIC:
                continue
            following = _passed_on(reader, use.operand_number)
            if not following:
                return False
            left.extend(following)
    return True


def _passed_on(reader: ir.Operation, number: int) -> list[ir.Value]:
    """Return the values that hold operand `number` of `reader`, or sums of it; none where it is used otherwise."""
    if reader.name in _SUMS or reader.name in _SAME:
        return list(reader.results)
    if reader.name == "linalg.yield":
        return [reader.parent.operation.results[number]] if len(reader.parent.operation.results) > number else []
    if reader.name.startswith("linalg.") and len(reader.regions) == 1:
        return [reader.regions[0].blocks[0].arguments[number]]
    return []
