"""How an operand of an element-wise operation lies beside a result that the operation reads through a reshape.

A contraction's result [M, N] is often read as [batch, tokens, N]: the loops fall into groups, one for each dimension
of the result. An operand fits if it varies with all loops of a group or with none; it is collapsed to the dimensions
that it varies with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..bindings import ir, tensor
from .access import groups as reassociation

Groups = Sequence[Sequence[int]]
"""For each dimension of the result the loops that it is made of, those of one iteration left out."""


@dataclass(frozen=True)
class Part:
    """The dimensions of the result by which an operand varies, and which of its own make up each of them."""

    dims: tuple[int, ...]
    reassociation: tuple[tuple[int, ...], ...]


def groups_of(expand: ir.Operation | None, result: ir.RankedTensorType) -> Groups:
    """Return the groups of loops of an operation with such a result, which reads the reshape `expand`, or none."""
    groups = [[loop] for loop in range(result.rank)] if expand is None else reassociation(expand)
    return [[loop for loop in group if not _is_one(result, loop)] for group in groups]


def part_of(map_: ir.AffineMap, groups: Groups, operand: ir.RankedTensorType) -> Part | None:
    """Return how an operand that is read through `map_` lies beside the result; None where it has another form."""
    loops: list[int] = []
    places: list[int] = []
    for place, expression in enumerate(map_.results):
        if _is_one(operand, place):
            continue
        if not isinstance(expression, ir.AffineDimExpr):
            return None
        loops.append(expression.position)
        places.append(place)
    dims = tuple(number for number, group in enumerate(groups) if set(group) & set(loops))
    if loops != [loop for number in dims for loop in groups[number]]:
        return None
    starts = [places[loops.index(groups[number][0])] for number in dims]
    if not starts:
        return Part((), ())
    # Dimensions of one element go with the dimension before them, leading ones with the first.
    bounds = [0, *starts[1:], operand.rank]
    parts = tuple(tuple(range(low, high)) for low, high in pairwise(bounds))
    return Part(dims, parts)


def collapsed(operand: ir.Value, part: Part) -> ir.Value:
    """Emit the collapse of an operand to the dimensions of its part."""
    type_ = ir.RankedTensorType(operand.type)
    if type_.rank == len(part.dims):
        return operand
    dynamic = ir.ShapedType.get_dynamic_size()
    shape = []
    for places in part.reassociation:
        size = 1
        for place in places:
            size = dynamic if dynamic in (size, type_.shape[place]) else size * type_.shape[place]
        shape.append(size)
    result = ir.RankedTensorType.get(shape, type_.element_type)
    return tensor.CollapseShapeOp(result, operand, [list(places) for places in part.reassociation]).result


def _is_one(type_: ir.RankedTensorType, dim: int) -> bool:
    return not type_.is_dynamic_dim(dim) and type_.get_dim_size(dim) == 1
