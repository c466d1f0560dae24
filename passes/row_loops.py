"""A `linalg.generic` on memrefs seen as one loop along a row: what it reads, how it accumulates."""

from __future__ import annotations

from dataclasses import dataclass

from ..bindings import ir
from ..kernels.approximations import can_raise
from .values import constant_lanes, defining_op

_ORDERED = frozenset({"arith.addf", "arith.mulf"})
"""Accumulations whose order is part of their meaning unless they say `reassoc`."""
_FREE = frozenset(
    f"arith.{name}"
    for names in ("addi andi maxsi maxui minsi minui muli ori xori", "maximumf maxnumf minimumf minnumf")
    for name in names.split()
)
"""Accumulations in any order."""
_DIALECTS = ("arith.", "math.")
_FLOATS = (ir.BF16Type, ir.F16Type, ir.F32Type, ir.F64Type)


@dataclass(frozen=True)
class RowLoop:
    """One loop of `length` iterations.

    `along` says of each operand whether it has one element an iteration (else one for all). `combine` are, for a
    reduction, the operations that accumulate, one for each output; empty where the outputs are rows.
    """

    op: ir.Operation
    length: int
    inputs: int
    along: tuple[bool, ...]
    combine: tuple[ir.Operation, ...]

    @property
    def body(self) -> ir.Block:
        """The body, one iteration."""
        return self.op.regions[0].blocks[0]

    @property
    def widths(self) -> tuple[int, ...]:
        """The bits of an element of each operand along the row."""
        return tuple(_width(a.type) for a, along in zip(self.body.arguments, self.along, strict=True) if along)


def row_loop(op: ir.Operation) -> RowLoop | None:
    """Return the form of `op` where it can be computed a vector at a time; None for any other operation.

    It is a `linalg.generic` on memrefs with one loop; operands along it are contiguous, of static size, of numbers that
    lie in memory as in a vector; the body is arithmetic; a reduction yields accumulations that may take any order.
    """
    if op.name != "linalg.generic" or op.results or len(op.attributes["iterator_types"]) != 1:
        return None
    inputs = len(op.opview.inputs)
    maps = [attribute.value for attribute in op.attributes["indexing_maps"]]
    along = tuple(len(map_.results) == 1 for map_ in maps)
    body = op.regions[0].blocks[0]
    if not all(_is_arithmetic(view.operation) for view in body.operations):
        return None
    if not all(_fits(value, map_) for value, map_ in zip(op.operands, maps, strict=True)):
        return None
    lengths = {ir.MemRefType(v.type).shape[0] for v, is_row in zip(op.operands, along, strict=True) if is_row}
    if len(lengths) != 1:
        return None
    reduces = "reduction" in str(op.attributes["iterator_types"][0])
    if any(is_row == reduces for is_row in along[inputs:]):
        return None
    combine = _accumulations(body, inputs) if reduces else ()
    return None if combine is None else RowLoop(op, lengths.pop(), inputs, along, combine)


def _fits(value: ir.Value, map_: ir.AffineMap) -> bool:
    """Return whether an operand is a contiguous row that is read by the loop, or one element."""
    if not isinstance(value.type, ir.MemRefType):
        return False
    type_ = ir.MemRefType(value.type)
    if not _is_number(type_.element_type) or type_.rank != len(map_.results) or type_.rank > 1:
        return False
    if type_.rank == 0:
        return True
    strides, _ = type_.get_strides_and_offset()
    return bool(isinstance(map_.results[0], ir.AffineDimExpr) and type_.has_static_shape and strides == [1])


def _is_number(type_: ir.Type) -> bool:
    """Return whether elements of the type lie in memory as in a vector: i1 takes a byte there, but a bit here."""
    return isinstance(type_, _FLOATS) or (isinstance(type_, ir.IntegerType) and type_.width in (8, 16, 32, 64))


def _is_arithmetic(op: ir.Operation) -> bool:
    if op.name == "linalg.yield":
        return True
    values = [*op.operands, *op.results]
    if op.name == "math.fpowi":
        # The LLVM intrinsic takes no vector of exponents.
        exponent = constant_lanes(op.operands[1])
        if exponent is None or not can_raise(op.operands[0].type, exponent):
            return False
    scalars = all(isinstance(v.type, (*_FLOATS, ir.IntegerType)) for v in values)
    return op.name.startswith(_DIALECTS) and not len(op.regions) and len(op.results) == 1 and scalars


def _accumulations(body: ir.Block, inputs: int) -> tuple[ir.Operation, ...] | None:
    """Return the operations that add to each output, which read it and are yielded alone; None where one does not."""
    found = []
    end = body.operations[len(body.operations) - 1]
    for argument, value in zip(list(body.arguments)[inputs:], end.operands, strict=True):
        op = defining_op(value)
        if op is None or op.name not in _FREE | _ORDERED:
            return None
        if op.name in _ORDERED and "reassoc" not in str(op.attributes.get("fastmath", "")):
            return None
        if [use.owner.operation for use in argument.uses] != [op] or [u.owner.operation for u in value.uses] != [
            end.operation
        ]:
            return None
        found.append(op)
    return tuple(found)


def _width(type_: ir.Type) -> int:
    return int(type_.width) if isinstance(type_, (ir.FloatType, ir.IntegerType)) else 0
