"""L-Mul of the vector dialect's contractions and products: the multiplies written out, sums left as reductions."""

from __future__ import annotations

from collections.abc import Sequence

from ..bindings import arith, ir, vector
from ..kernels.lmul import LMul
from ..kernels.lmul_emit import expand


class NotRewritableError(Exception):
    """Why such an operation cannot be rewritten, as the end of a sentence that its name begins."""


def expand_contract(lmul: LMul, op: ir.Operation) -> ir.Value:
    """Emit a `vector.contract`: products over the whole iteration space, then a `vector.multi_reduction`.

    Each factor is broadcast to the iteration space, whose size thus is the number of lanes that code is made for: large
    contractions are better lowered first.
    """
    _check_unmasked(op)
    kind = op.attributes["kind"]
    if str(kind) == "#vector.kind<mul>":
        raise NotRewritableError("combines products by multiplying them: lower it first")
    x, y, start = op.operands
    x_map, y_map, start_map = (_positions(attribute.value) for attribute in op.attributes["indexing_maps"])
    reduced = [
        i for i, it in enumerate(op.attributes["iterator_types"]) if str(it) == "#vector.iterator_type<reduction>"
    ]
    element = start.type.element_type if isinstance(start.type, ir.ShapedType) else start.type
    sizes = _sizes((x, x_map), (y, y_map))
    product = expand(lmul, _spread(_widened(x, element), x_map, sizes), _spread(_widened(y, element), y_map, sizes))
    # The accumulator's dimensions in the order of the iteration space, and back afterwards.
    order = sorted(start_map)
    start = _transposed(start, [start_map.index(i) for i in order])
    total = (
        vector.multi_reduction(kind, product, start, reduced) if reduced else _combined(lmul, str(kind), start, product)
    )
    return _transposed(total, [order.index(i) for i in start_map])


def expand_outer_product(lmul: LMul, op: ir.Operation) -> ir.Value:
    """Emit a `vector.outerproduct`, of two vectors or of a vector and a scalar, its accumulator combined in."""
    _check_unmasked(op)
    x, y = list(op.operands)[:2]
    type_ = op.results[0].type
    if isinstance(y.type, ir.VectorType):
        sizes = list(zip(type_.shape, type_.scalable_dims, strict=True))
        product = expand(lmul, _spread(x, [0], sizes), _spread(y, [1], sizes))
    else:
        product = expand(lmul, x, vector.broadcast(x.type, y))
    if len(op.operands) == 2:
        return product
    return _combined(lmul, str(op.attributes["kind"]), op.operands[2], product)


def expand_reduction(lmul: LMul, op: ir.Operation) -> ir.Value:
    """Emit a `vector.reduction <mul>` as a chain of products from the first lane on, after the accumulator if any."""
    _check_unmasked(op)
    source, start = op.operands[0], list(op.operands)[1:]
    if any(source.type.scalable_dims):
        raise NotRewritableError("multiplies the lanes of a scalable vector, which are not rewritten")
    if source.type.rank == 0:
        lanes = [vector.extract(source, [], [])]
    else:
        lanes = [vector.extract(source, [], [i]) for i in range(source.type.shape[0])]
    total, *others = start + lanes
    for lane in others:
        total = expand(lmul, total, lane)
    return total


_Sizes = Sequence[tuple[int, bool]]
"""The size of each dimension of an iteration space, and whether it is scalable."""


def _check_unmasked(op: ir.Operation) -> None:
    if op.parent is not None and op.parent.name == "vector.mask":
        raise NotRewritableError("is masked: lower it with lower-vector-mask first")


def _positions(map_: ir.AffineMap) -> list[int]:
    return [expression.position for expression in map_.results]


def _sizes(*factors: tuple[ir.Value, list[int]]) -> _Sizes:
    """Return the iteration space that factors, indexed by the dimensions given with each, span."""
    found = {
        dimension: (size, scalable)
        for value, dimensions in factors
        for dimension, size, scalable in zip(dimensions, value.type.shape, value.type.scalable_dims, strict=True)
    }
    return [found[i] for i in range(len(found))]


def _spread(value: ir.Value, dimensions: Sequence[int], sizes: _Sizes) -> ir.Value:
    """Emit `value`, indexed by `dimensions` of an iteration space, repeated along its other dimensions."""
    order = [i for i in range(len(sizes)) if i not in dimensions] + list(dimensions)
    if len(order) > len(dimensions):
        shape, scalable = [sizes[i][0] for i in order], [sizes[i][1] for i in order]
        type_ = ir.VectorType.get(shape, value.type.element_type, scalable=scalable)
        value = vector.broadcast(type_, value)
    return _transposed(value, [order.index(i) for i in range(len(sizes))])


def _transposed(value: ir.Value, permutation: Sequence[int]) -> ir.Value:
    """Emit a transpose, unless it would change nothing; `value` may be a scalar."""
    if list(permutation) == sorted(permutation):
        return value
    type_ = value.type
    shape = [type_.shape[i] for i in permutation]
    scalable = [type_.scalable_dims[i] for i in permutation]
    return vector.transpose(ir.VectorType.get(shape, type_.element_type, scalable=scalable), value, permutation)


def _widened(value: ir.Value, element: ir.Type) -> ir.Value:
    """Emit the conversion of a factor to the accumulator's wider element type."""
    type_ = value.type
    if type_.element_type == element:
        return value
    return arith.extf(ir.VectorType.get(type_.shape, element, scalable=type_.scalable_dims), value)


def _combined(lmul: LMul, kind: str, start: ir.Value, product: ir.Value) -> ir.Value:
    match kind:
        case "#vector.kind<add>":
            return arith.addf(product, start)
        case "#vector.kind<mul>":
            return expand(lmul, start, product)
        case "#vector.kind<minnumf>":
            return arith.minnumf(start, product)
        case "#vector.kind<maxnumf>":
            return arith.maxnumf(start, product)
        case "#vector.kind<minimumf>":
            return arith.minimumf(start, product)
        case _:
            return arith.maximumf(start, product)
