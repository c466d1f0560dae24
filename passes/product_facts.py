"""A contraction in numbers: what its tiling depends on."""

from __future__ import annotations

from dataclasses import dataclass

from ..bindings import ir
from .contraction_dims import canonical_dims, operand_dims
from .lmul_scope import MARK
from .schedule_few_rows import Multiply


@dataclass(frozen=True)
class Product:
    """A product of matrices, one of a batch; sizes that are not known are None."""

    rows: int | None
    columns: int | None
    depth: int | None
    bits: int
    """Of an element."""
    multiply: Multiply
    reads_columns: bool
    """Whether the elements of a column of B are neighbours in memory."""
    reads_known_rows: bool
    """Whether the elements of a row of A are neighbours in memory and how far rows are apart is known."""


def product_of(op: ir.Operation) -> Product:
    """Return the numbers of a contraction of f32 or f64."""
    rows, columns = _result_sizes(op)
    bits = 64 if str(ir.ShapedType(op.operands[0].type).element_type) == "f64" else 32
    return Product(rows, columns, _depth(op), bits, multiply_kind(op), _reads_columns(op), _reads_known_rows(op))


def multiply_kind(op: ir.Operation) -> Multiply:
    """Return what a multiply becomes: under "ieee" L-Mul's whole sequence; under "finite" packing does most of it."""
    if MARK not in op.attributes:
        return "exact"
    return "ieee" if op.attributes[MARK]["specials"].value == "ieee" else "finite"


def _result_sizes(op: ir.Operation) -> tuple[int | None, int | None]:
    """Return the number of rows and of columns of the result, None where one is not known."""
    dims, result = operand_dims(op)[2], ir.ShapedType(op.operands[2].type)
    places = [dims.index(dim) for dim in canonical_dims(op)[2][-2:]]
    rows, columns = (None if result.is_dynamic_dim(p) else int(result.get_dim_size(p)) for p in places)
    return rows, columns


def _depth(op: ir.Operation) -> int | None:
    """Return the length of the sum, None where it is not known."""
    place = operand_dims(op)[0].index(canonical_dims(op)[0][-1])
    type_ = ir.ShapedType(op.operands[0].type)
    return None if type_.is_dynamic_dim(place) else int(type_.get_dim_size(place))


def _reads_known_rows(op: ir.Operation) -> bool:
    static = not ir.ShapedType(op.operands[0].type).is_dynamic_dim(len(operand_dims(op)[0]) - 1)
    return static and operand_dims(op)[0][-1] == canonical_dims(op)[0][-1]


def _reads_columns(op: ir.Operation) -> bool:
    return operand_dims(op)[1][-1] == canonical_dims(op)[0][-1]
