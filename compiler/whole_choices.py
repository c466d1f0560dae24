"""Choices between whole tensors, which is what is left of a `torch.cond` whose branches compute nothing.

torch-mlir's lowering ends in a check that refuses them: a choice is one between elements before that.
"""

from __future__ import annotations

from ..bindings import arith, ir, linalg, tensor
from ..passes.walk import find


def choose_elements(module: ir.Module) -> None:
    """Rewrite each `arith.select` of tensors by one bool as an element-wise operation, of the same result."""
    for op in find(module.operation, lambda inner: inner.name == "arith.select"):
        if isinstance(op.results[0].type, ir.RankedTensorType) and not isinstance(op.operands[0].type, ir.ShapedType):
            with ir.InsertionPoint(op), op.location:
                op.results[0].replace_all_uses_with(_chosen(*op.operands))
            op.erase()


def _chosen(condition: ir.Value, one: ir.Value, other: ir.Value) -> ir.Value:
    type_ = ir.RankedTensorType(one.type)
    index = ir.IndexType.get()
    sizes = [
        tensor.dim(one, arith.constant(index, number)) if type_.is_dynamic_dim(number) else type_.get_dim_size(number)
        for number in range(type_.rank)
    ]
    same = ir.AffineMapAttr.get(ir.AffineMap.get_identity(type_.rank))
    op = linalg.GenericOp(
        [type_],
        [one, other],
        [tensor.EmptyOp(sizes, type_.element_type).result],
        ir.ArrayAttr.get([same] * 3),
        ir.ArrayAttr.get([ir.Attribute.parse("#linalg.iterator_type<parallel>")] * type_.rank),
    )
    block = op.regions[0].blocks.append(*[type_.element_type] * 3)
    with ir.InsertionPoint(block):
        linalg.YieldOp([arith.select(condition, *list(block.arguments)[:2])])
    result: ir.Value = op.results[0]
    return result
