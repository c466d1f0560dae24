"""Recognising a softmax over keys on tensors, and the form of it that gives zeros for rows that see nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from ..bindings import ir
from .access import Access, Position, looked_through, read, whole
from .scalar_body import constant_of, expression, yielded
from .values import defining_op


def stripped(access: Access) -> Access:
    """Return the access behind all views and copies."""
    while (inner := looked_through(access)) is not None:
        access = inner
    return access


def _single_use(value: ir.Value) -> bool:
    return sum(1 for _ in value.uses) == 1


def _stripped_private(access: Access) -> Access | None:
    """Return what `_stripped` does, None where anything else reads one of the values."""
    while _single_use(access.value):
        inner = looked_through(access)
        if inner is None:
            return access
        access = inner
    return None


@dataclass(frozen=True)
class Softmax:
    """A softmax: what it is of, and whether rows of nothing but minus infinity give zeros."""

    argument: Access
    zero_masked_rows: bool


def find_softmax(weights: Access, keys: int) -> Softmax | None:
    """Return what the softmax over keys, whose elements are `weights`, is of; nothing else may read them."""
    access = _stripped_private(weights)
    if access is None:
        return None
    empty_rows = None
    op = defining_op(access.value)
    if op is not None and expression(op) == ("arith.select", ("in", 0), ("const", 0.0), ("in", 2)):
        empty_rows, rest = read(op, access, 0), read(op, access, 2)
        access = None if rest is None else _stripped_private(rest)
        if access is None or empty_rows is None:
            return None
        op = defining_op(access.value)
    if op is None or expression(op) != ("arith.divf", ("in", 0), ("in", 1)):
        return None
    exponentials, sums = (_inputs(op, access, i) for i in (0, 1))
    if exponentials is None or sums is None:
        return None
    if _reduced(sums, keys, lambda body: body == ("arith.addf", ("in", 0), ("in", 1)), 0.0) != exponentials:
        return None
    argument = _exponent(exponentials, keys)
    if argument is None or (empty_rows is not None and not _says_empty(stripped(empty_rows), argument, keys)):
        return None
    return Softmax(argument, empty_rows is not None)


def _inputs(op: ir.Operation, access: Access, number: int) -> Access | None:
    source = read(op, access, number)
    return None if source is None else stripped(source)


def _exponent(exponentials: Access, keys: int) -> Access | None:
    """Return x where `exponentials` are exp(x - maximum of x)."""
    op = defining_op(exponentials.value)
    found = None if op is None else expression(op)
    difference = exponentials
    if op is not None and found == ("math.exp", ("in", 0)):
        inner = _inputs(op, exponentials, 0)
        if inner is None:
            return None
        difference, op = inner, defining_op(inner.value)
        found = None if op is None else ("math.exp", expression(op))
    if op is None or found != ("math.exp", ("arith.subf", ("in", 0), ("in", 1))):
        return None
    argument, maxima = (_inputs(op, difference, i) for i in (0, 1))
    if argument is None or maxima is None:
        return None
    return argument if _reduced(maxima, keys, _is_maximum, -inf) == argument else None


def _is_maximum(body: tuple[object, ...]) -> bool:
    # The output stands after the input; an index of the maximum may be another output.
    return body in [(f"arith.{name}", *pair) for name in ("maximumf", "maxnumf") for pair in _EITHER]


_EITHER = ((("in", 0), ("in", 1)), (("in", 1), ("in", 0)))


def _reduced(
    access: Access, keys: int, is_body: Callable[[tuple[object, ...]], bool], start: float | bool
) -> Access | None:
    """Return the elements that a reduction over all keys, whose first result is accessed, is of."""
    op = defining_op(access.value)
    if op is None or op.name != "linalg.generic" or op.results[0] != access.value or len(op.opview.inputs) != 1:
        return None
    kinds = ["reduction" in str(kind) for kind in op.attributes["iterator_types"]]
    source, written = (op.attributes["indexing_maps"][i].value for i in (0, 1))
    if kinds.count(True) != 1 or source != ir.AffineMap.get_identity(len(kinds)):
        return None
    if not is_body(yielded(op, 0)) or constant_of(op.operands[1]) != start:
        return None
    positions: list[Position] = [whole("key", keys)] * len(kinds)
    for expr, position in zip(written.results, access.positions, strict=True):
        if isinstance(expr, ir.AffineDimExpr) and not kinds[expr.position]:
            positions[expr.position] = position
    type_ = ir.RankedTensorType(op.operands[0].type)
    if type_.get_dim_size(kinds.index(True)) != keys:
        return None
    return stripped(Access(op.operands[0], tuple(positions)))


def _says_empty(flags: Access, argument: Access, keys: int) -> bool:
    """Return whether `flags` say of a row that all its scores are minus infinity."""
    compared = _reduced(flags, keys, lambda body: body == ("arith.andi", ("in", 0), ("in", 1)), True)
    op = None if compared is None else defining_op(compared.value)
    if op is None or compared is None:
        return False
    found = expression(op)
    equal = ("arith.cmpf", 1)  # oeq
    forms = [(*equal, ("in", 0), ("const", -inf)), (*equal, ("arith.extf", ("in", 0)), ("const", -inf))]
    return found in forms and _inputs(op, compared, 0) == argument
