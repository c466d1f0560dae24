"""Scatter rows in a loop that bufferisation runs in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, cf, ir, linalg, scf, tensor
from .base import Pass, PassContext
from .fold_scatter_sums import SCATTER
from .values import constant, defining_op
from .walk import find


@dataclass(frozen=True)
class ScattersToLoops(Pass):
    """Turn each `tm_tensor.scatter` of whole slices into an `scf.for` over updates that combines one with its slice.

        for i: assert 0 <= indices[i] < size; x[indices[i], ...] = f(updates[i], x[indices[i], ...])

    torch-mlir's own bufferisation copies all operands first, that which is scattered into among them, and makes data
    of a constant one: of the gradient of a table of embeddings four times its size would be moved for a few rows. Here
    a constant that is one number everywhere is filled in where the loop writes. How many updates there are need not be
    known. Scatters of single elements, or with other sizes that are not known, are left to torch-mlir.
    """

    name: ClassVar[str] = "scatters-to-loops"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite what has the form."""
        for scatter in find(op, lambda inner: inner.name == SCATTER and len(inner.results) == 1 and _has_slices(inner)):
            with ir.InsertionPoint(scatter), scatter.location:
                scattered = _scattered(scatter)
            scatter.results[0].replace_all_uses_with(scattered)
            start = defining_op(scatter.operands[2])
            scatter.erase()
            if start is not None and start.name == "arith.constant" and not list(start.results[0].uses):
                start.erase()  # before bufferisation makes data of it
            ctx.count("scatters in loops")


def _has_slices(op: ir.Operation) -> bool:
    """Tell whether each update is as large as a slice of the result that its index names."""
    updates, indices, result = (value.type for value in op.operands)
    mapped = _mapped(op)
    known = all(not type_.is_dynamic_dim(dim) for type_ in (updates, indices) for dim in range(1, type_.rank))
    if not known or not result.has_static_shape or len(mapped) == result.rank:
        return False
    return bool(
        indices.rank == 2
        and indices.shape[1] == len(mapped)
        and updates.rank == result.rank + 1
        and list(updates.shape[1:]) == _slice_sizes(op)
    )


def _mapped(op: ir.Operation) -> list[int]:
    """Return the dimension of the result that each column of the indices is for."""
    return list(ir.DenseI64ArrayAttr(op.attributes["dimension_map"]))


def _slice_sizes(op: ir.Operation) -> list[int]:
    mapped = _mapped(op)
    return [1 if dim in mapped else size for dim, size in enumerate(op.results[0].type.shape)]


def _scattered(op: ir.Operation) -> ir.Value:
    """Emit the loop; return its result."""
    updates, indices = op.operands[:2]
    index = ir.IndexType.get()
    zero, one = (arith.constant(index, number) for number in (0, 1))
    count = tensor.dim(updates, zero)
    loop = scf.ForOp(zero, count, one, [_start(op.operands[2])])
    with ir.InsertionPoint(loop.body):
        number, current = loop.induction_variable, loop.inner_iter_args[0]
        places = {}
        for column, dim in enumerate(_mapped(op)):
            place = arith.index_cast(index, tensor.extract(indices, [number, arith.constant(index, column)]))
            # Unsigned: a negative number is a large one.
            size = arith.constant(index, current.type.shape[dim])
            cf.assert_(arith.cmpi(arith.CmpIPredicate.ult, place, size), "scatter: an index is out of range")
            places[dim] = place
        scf.yield_([_combined(op, number, current, places)])
    scattered: ir.Value = loop.results[0]
    return scattered


def _start(value: ir.Value) -> ir.Value:
    """Return what the loop begins with: a filled tensor instead of a constant that is one number everywhere."""
    attribute = constant(value)
    if not isinstance(attribute, ir.DenseElementsAttr) or not attribute.is_splat:
        return value
    number = attribute.get_splat_value()
    element = arith.ConstantOp(number.type, number).result
    filled: ir.Value = linalg.fill(element, outs=[tensor.empty(value.type.shape, value.type.element_type)])
    return filled


def _combined(op: ir.Operation, number: ir.Value, current: ir.Value, places: dict[int, ir.Value]) -> ir.Value:
    """Return `current` with update `number` done at `places`, by dimension."""
    dynamic = ir.ShapedType.get_dynamic_size()
    sizes = _slice_sizes(op)
    rank = len(sizes)
    slice_type = ir.RankedTensorType.get(sizes, current.type.element_type)
    offsets = [dynamic if dim in places else 0 for dim in range(rank)]
    at = [places[dim] for dim in sorted(places)]
    ones = [1] * rank
    before = tensor.extract_slice(slice_type, current, at, [], [], offsets, sizes, ones)
    update = tensor.extract_slice(
        ir.RankedTensorType.get(sizes, op.operands[0].type.element_type),
        op.operands[0],
        [number],
        [],
        [],
        [dynamic, *[0] * rank],
        [1, *sizes],
        [1, *ones],
    )
    identity = ir.AffineMapAttr.get(ir.AffineMap.get_identity(rank))
    parallel = ir.Attribute.parse("#linalg.iterator_type<parallel>")
    generic = linalg.GenericOp(
        [slice_type], [update], [before], ir.ArrayAttr.get([identity] * 2), ir.ArrayAttr.get([parallel] * rank)
    )
    _move_body(op, generic.operation)
    combined: ir.Value = tensor.insert_slice(generic.results[0], current, at, [], [], offsets, sizes, ones)
    return combined


def _move_body(op: ir.Operation, generic: ir.Operation) -> None:
    """Give `generic` the body of a scatter, whose arguments are an update and what it is combined with, too."""
    block = op.regions[0].blocks[0]
    block.append_to(generic.regions[0])
    end = list(block.operations)[-1].operation
    with ir.InsertionPoint(end), end.location:
        linalg.YieldOp(list(end.operands))
    end.erase()
