"""Take the outer loops of an element-wise operation on memrefs apart from the one along its rows."""

from __future__ import annotations

from ..bindings import ir, linalg, memref, scf
from ..kernels.structured import index


def split_nest(op: ir.Operation, shortest: int) -> ir.Operation | None:
    """Replace an element-wise `linalg.generic` by loops around a `linalg.generic` along one row; return that.

    None, and nothing changed, where it is another operation, has a size that is not known, rows below `shortest`
    elements, or an operand that is no plain broadcast or does not have the elements of a row beside one another.
    """
    if op.name != "linalg.generic" or op.results or len(op.attributes["iterator_types"]) < 2:
        return None
    if any("parallel" not in str(kind) for kind in op.attributes["iterator_types"]):
        return None
    maps = [attribute.value for attribute in op.attributes["indexing_maps"]]
    sizes = _sizes(list(op.operands), maps)
    if sizes is None or sizes[-1] < shortest:
        return None
    if any(len(view.operation.regions) or view.operation.name == "linalg.index" for view in op.regions[0].blocks[0]):
        return None
    with ir.InsertionPoint(op), op.location:
        return _build(op, maps, sizes)


def _sizes(operands: list[ir.Value], maps: list[ir.AffineMap]) -> list[int] | None:
    """Return the iterations of each loop; None where one is not known or an operand is of another form."""
    inner = maps[0].n_dims - 1
    sizes: dict[int, int] = {}
    for operand, map_ in zip(operands, maps, strict=True):
        if not isinstance(operand.type, ir.MemRefType) or not operand.type.has_static_shape:
            return None
        strides, _ = operand.type.get_strides_and_offset()
        for place, (expression, size) in enumerate(zip(map_.results, operand.type.shape, strict=True)):
            if isinstance(expression, ir.AffineDimExpr):
                sizes[expression.position] = size
                last = place == len(map_.results) - 1
                if expression.position == inner and not (last and strides[place] == 1):
                    return None
            elif not isinstance(expression, ir.AffineConstantExpr):
                return None
    return [sizes[loop] for loop in range(inner + 1)] if len(sizes) == inner + 1 else None


def _build(op: ir.Operation, maps: list[ir.AffineMap], sizes: list[int]) -> ir.Operation:
    inputs = len(op.opview.inputs)
    at: list[ir.Value] = []
    place: ir.InsertionPoint | None = None
    for size in sizes[:-1]:
        if place is None:
            loop = scf.ForOp(index(0), index(size), index(1))
        else:
            with place:
                loop = scf.ForOp(index(0), index(size), index(1))
        with ir.InsertionPoint(loop.body):
            end = scf.YieldOp([])
        place = ir.InsertionPoint(end)
        at.append(loop.induction_variable)
    assert place is not None
    with place:
        views = [_row(value, map_, at, sizes) for value, map_ in zip(op.operands, maps, strict=True)]
        along = [ir.MemRefType(view.type).rank for view in views]
        row = linalg.GenericOp(
            [],
            views[:inputs],
            views[inputs:],
            ir.ArrayAttr.get(
                [ir.AffineMapAttr.get(ir.AffineMap.get(1, 0, [ir.AffineDimExpr.get(0)] * r)) for r in along]
            ),
            ir.ArrayAttr.get([op.attributes["iterator_types"][0]]),
        )
    for name in op.attributes:
        if name.startswith("slipstick."):
            row.operation.attributes[name] = op.attributes[name]
    op.regions[0].blocks[0].append_to(row.regions[0])
    op.erase()
    return row.operation


def _row(value: ir.Value, map_: ir.AffineMap, at: list[ir.Value], sizes: list[int]) -> ir.Value:
    """Emit the row of an operand that the outer iteration `at` reads, or the one element that the row reads of it."""
    offsets: list[ir.Value] = []
    static: list[int] = []
    dynamic = ir.ShapedType.get_dynamic_size()
    whole = False
    for expression in map_.results:
        if not isinstance(expression, ir.AffineDimExpr):
            static.append(ir.AffineConstantExpr(expression).value)
        elif expression.position == len(at):
            whole = True
            static.append(0)
        else:
            static.append(dynamic)
            offsets.append(at[expression.position])
    rank = len(static)
    lengths = [1] * rank
    if whole:
        lengths[-1] = sizes[-1]
    type_ = ir.MemRefType(value.type)
    layout = ir.StridedLayoutAttr.get(ir.ShapedType.get_dynamic_stride_or_offset(), [1] if whole else [])
    if not offsets:
        _, offset = type_.get_strides_and_offset()
        strides, _ = type_.get_strides_and_offset()
        if offset != ir.ShapedType.get_dynamic_stride_or_offset():
            layout = ir.StridedLayoutAttr.get(
                offset + sum(o * s for o, s in zip(static, strides, strict=True)), [1] if whole else []
            )
    view = ir.MemRefType.get(lengths[-1:] if whole else [], type_.element_type, layout, type_.memory_space)
    return memref.SubViewOp(view, value, offsets, [], [], static, lengths, [1] * rank).result
