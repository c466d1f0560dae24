"""A `linalg.generic` seen as work on rows: how many rows, how long, and what each operand is of a row.

Loops of one iteration do not count. The last loop that counts is the inner one, along a row; those before it run over
the rows, in the order of memory. An operation without an inner loop has one element a row: what a reduction left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..bindings import ir
from .values import constant, defining_op

_DIALECTS = ("arith.", "math.")


@dataclass(frozen=True)
class RowForm:
    """How the loops of an operation fall into rows.

    `rows` are the numbers of the loops over rows, from outside in, `inner` that of the loop along a row or None;
    `sizes` is the number of iterations of every loop.
    """

    sizes: tuple[int, ...]
    rows: tuple[int, ...]
    inner: int | None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return math.prod(self.sizes[loop] for loop in self.rows)

    @property
    def length(self) -> int:
        """How many elements a row has."""
        return 1 if self.inner is None else self.sizes[self.inner]

    def kind(self, map_: ir.AffineMap) -> str | None:
        """Return "full" where `map_` reads whole rows in the order of memory, "row" for one element of each row.

        None for anything else: a broadcast over rows, a transpose, a single row.
        """
        loops = self.loops(map_)
        if self.inner is not None and loops == (*self.rows, self.inner):
            return "full"
        return "row" if loops == self.rows else None

    def loops(self, map_: ir.AffineMap) -> tuple[int, ...]:
        """Return the loops of more than one iteration that `map_` reads by, in its order."""
        found = (e.position for e in map_.results if isinstance(e, ir.AffineDimExpr))
        return tuple(loop for loop in found if self.sizes[loop] != 1)


def maps_of(op: ir.Operation) -> list[ir.AffineMap]:
    """Return the indexing maps of a `linalg.generic`."""
    return [attribute.value for attribute in op.attributes["indexing_maps"]]


def is_reduction(op: ir.Operation, loop: int) -> bool:
    """Say whether a loop of a `linalg.generic` is a reduction."""
    return "reduction" in str(op.attributes["iterator_types"][loop])


def row_form(op: ir.Operation, *, scalars: bool = False) -> RowForm | None:
    """Return the form of an operation that can be computed row by row; None for any other.

    With `scalars`, every loop runs over rows: the operation computes one element a row. It can be computed by rows if
    it is a `linalg.generic` on tensors of static shape whose body is arithmetic of its operands and constants, whose
    results follow the order of the loops, and that reduces along its last loop alone, from a constant.
    """
    if op.name != "linalg.generic" or not op.results or not _is_plain(op):
        return None
    maps = maps_of(op)
    sizes = _sizes(op, maps)
    if sizes is None:
        return None
    counted = [loop for loop, size in enumerate(sizes) if size != 1]
    inner = counted.pop() if counted and not scalars else None
    form = RowForm(tuple(sizes), tuple(counted), inner)
    if any(is_reduction(op, loop) for loop in counted):
        return None
    inputs = len(op.opview.inputs)
    reduces = inner is not None and is_reduction(op, inner)
    wanted = "row" if reduces or inner is None else "full"
    if any(form.kind(map_) != wanted for map_ in maps[inputs:]):
        return None
    if inner is not None and any(inner in form.loops(m)[:-1] for m in maps[:inputs]):
        return None  # reads along a row with a stride
    reads = [any(True for _ in a.uses) for a in list(op.regions[0].blocks[0].arguments)[inputs:]]
    starts = [start_value(value) for value in list(op.operands)[inputs:]]
    return form if all(start is not None for read, start in zip(reads, starts, strict=True) if read) else None


def start_value(value: ir.Value) -> ir.Value | None:
    """Return the scalar that every element of a result starts with; None where it is no `linalg.fill` by a constant."""
    fill = defining_op(value)
    if fill is None or fill.name != "linalg.fill" or constant(fill.operands[0]) is None:
        return None
    return fill.operands[0]


def _is_plain(op: ir.Operation) -> bool:
    """Return whether the body is arithmetic alone, and each operand is read by loops and zeros."""
    for view in op.regions[0].blocks[0].operations:
        inner = view.operation
        if (inner.name != "linalg.yield" and not inner.name.startswith(_DIALECTS)) or len(inner.regions):
            return False
    plain = (ir.AffineDimExpr, ir.AffineConstantExpr)
    return all(isinstance(e, plain) for map_ in maps_of(op) for e in map_.results)


def _sizes(op: ir.Operation, maps: list[ir.AffineMap]) -> list[int] | None:
    sizes: list[int | None] = [None] * maps[0].n_dims
    for operand, map_ in zip(op.operands, maps, strict=True):
        type_ = operand.type
        if not isinstance(type_, ir.RankedTensorType) or not type_.has_static_shape:
            return None
        for expression, size in zip(map_.results, type_.shape, strict=True):
            if isinstance(expression, ir.AffineDimExpr):
                sizes[expression.position] = size
    known = [size for size in sizes if size is not None and size > 0]
    return known if len(known) == len(sizes) else None
