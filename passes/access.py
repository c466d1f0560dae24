"""How an element of a tensor is found in the tensor that it was rearranged from.

The position along a dimension is written as digits, major to minor, in a mixed radix: each digit is a part of the
variable of a loop. A reshape joins or splits digits, a transpose moves them, a copy of an axis drops them; so what
lies behind a chain of views is known without index arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from ..bindings import ir
from .values import defining_op


@dataclass(frozen=True)
class Digit:
    """The part `variable // stride % size` of the variable of a loop."""

    variable: str
    stride: int
    size: int


Position = tuple[Digit, ...]
"""Where along a dimension, digits of size 1 left out; no digit: at 0, the only place."""


def whole(variable: str, size: int) -> Position:
    """Return the position that is the variable itself."""
    return (Digit(variable, 1, size),) if size > 1 else ()


@dataclass(frozen=True)
class Access:
    """An element of `value`: its position along each dimension."""

    value: ir.Value
    positions: tuple[Position, ...]


def looked_through(access: Access) -> Access | None:
    """Return the access to what `access.value` is a view or copy of; None where it is none that is understood."""
    op = defining_op(access.value)
    if op is None:
        return None
    if op.name == "tensor.collapse_shape":
        return _split(access, op.operands[0], groups(op))
    if op.name == "tensor.expand_shape":
        return Access(op.operands[0], tuple(joined([access.positions[i] for i in group]) for group in groups(op)))
    if op.name == "linalg.transpose":
        source: list[Position] = [()] * len(access.positions)
        for position, dimension in zip(access.positions, op.attributes["permutation"], strict=True):
            source[dimension] = position
        return Access(op.operands[0], tuple(source))
    if op.name == "linalg.broadcast":
        added = set(op.attributes["dimensions"])
        return Access(op.operands[0], tuple(p for i, p in enumerate(access.positions) if i not in added))
    if op.name == "linalg.generic" and _is_copy(op):
        return read(op, access, 0)
    return None


def read(op: ir.Operation, access: Access, number: int) -> Access | None:
    """Return the access to input `number` of an element-wise `linalg.generic` that makes the element `access`."""
    written, source = (op.attributes["indexing_maps"][i].value for i in (len(op.operands) - 1, number))
    if written != ir.AffineMap.get_identity(written.n_dims):
        return None
    positions: list[Position] = []
    for expression in source.results:
        if isinstance(expression, ir.AffineDimExpr):
            positions.append(access.positions[expression.position])
        elif isinstance(expression, ir.AffineConstantExpr) and expression.value == 0:
            positions.append(())
        else:
            return None
    return Access(op.operands[number], tuple(positions))


def is_elementwise(op: ir.Operation) -> bool:
    """Return whether `op` is a `linalg.generic` of one result and parallel loops alone."""
    return (
        op.name == "linalg.generic"
        and len(op.results) == 1
        and all("parallel" in str(kind) for kind in op.attributes["iterator_types"])
    )


def groups(op: ir.Operation) -> list[list[int]]:
    """Return the groups of dimensions of a reshape."""
    return [[index.value for index in group] for group in op.attributes["reassociation"]]


def joined(positions: Iterable[Position]) -> Position:
    """Return the position along the dimension that these, major to minor, are joined into."""
    digits: list[Digit] = []
    for digit in (d for position in positions for d in position):
        last = digits[-1] if digits else None
        if last is not None and last.variable == digit.variable and last.stride == digit.stride * digit.size:
            digits[-1] = Digit(digit.variable, digit.stride, last.size * digit.size)
        else:
            digits.append(digit)
    return tuple(digits)


def split(position: Position, sizes: list[int]) -> list[Position] | None:
    """Return the positions along dimensions of so many elements that are joined into one; None if they straddle."""
    left = list(position)
    found: list[Position] = []
    for size in reversed(sizes):
        taken: list[Digit] = []
        while prod(d.size for d in taken) < size:
            if not left:
                # Position 0 of a dimension that has more: a copied axis, not a reshape's business.
                return None
            digit = left.pop()
            missing = size // prod(d.size for d in taken)
            if digit.size > missing:
                if digit.size % missing:
                    return None
                left.append(Digit(digit.variable, digit.stride * missing, digit.size // missing))
                digit = Digit(digit.variable, digit.stride, missing)
            taken.insert(0, digit)
        if prod(d.size for d in taken) != size:
            return None
        found.insert(0, tuple(taken))
    return None if left else found


def _split(access: Access, source: ir.Value, parts: list[list[int]]) -> Access | None:
    type_ = ir.RankedTensorType(source.type)
    positions: list[Position] = [()] * type_.rank
    for position, group in zip(access.positions, parts, strict=True):
        if any(type_.is_dynamic_dim(i) for i in group):
            return None
        found = split(position, [type_.get_dim_size(i) for i in group])
        if found is None:
            return None
        for i, digits in zip(group, found, strict=True):
            positions[i] = digits
    return Access(source, tuple(positions))


def _is_copy(op: ir.Operation) -> bool:
    """Return whether a `linalg.generic` yields its one input as it is."""
    if not is_elementwise(op) or len(op.operands) != 2:
        return False
    body = op.regions[0].blocks[0]
    first = body.operations[0].operation
    return bool(first.name == "linalg.yield" and first.operands[0] == body.arguments[0])
