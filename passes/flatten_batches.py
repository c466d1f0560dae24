"""Make one large matrix product of a batch that shares its right operand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import arith, ir, linalg, tensor
from .base import Pass, PassContext
from .contraction_dims import canonical_dims, operand_dims
from .values import defining_op
from .walk import find


@dataclass(frozen=True)
class FlattenBatches(Pass):
    """Turn a `linalg.batch_matmul` whose right operand is one matrix, broadcast, into a `linalg.matmul`.

    A linear layer on a three-dimensional tensor may arrive as a batched product with a copy of the weight for each
    entry of the batch. Batch and rows are one dimension of the left operand and of the result, so one product does.
    """

    name: ClassVar[str] = "flatten-batches"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Rewrite what matches; the broadcast dies in canonicalisation."""
        for batched in find(op, _is_canonical_batch_matmul):
            matrix = broadcast_matrix(batched.operands[1])
            if matrix is not None:
                self._flatten(batched, matrix)
                ctx.count("batches flattened")

    def _flatten(self, batched: ir.Operation, matrix: ir.Value) -> None:
        left, _, init = batched.operands
        type_ = ir.RankedTensorType(init.type)
        with ir.InsertionPoint(batched), batched.location:
            product = linalg.matmul(_collapsed(left), matrix, outs=[_collapsed(init)])
            for name in batched.attributes:
                if name.startswith("slipstick."):
                    product.owner.attributes[name] = batched.attributes[name]
            sizes = [
                tensor.dim(init, arith.constant(ir.IndexType.get(), d)) for d in range(3) if type_.is_dynamic_dim(d)
            ]
            result = tensor.ExpandShapeOp(type_, product, _BATCH_AND_ROWS, sizes, type_.shape).result
        batched.results[0].replace_all_uses_with(result)
        batched.erase()


_BATCH_AND_ROWS = [[0, 1], [2]]


def _collapsed(value: ir.Value) -> ir.Value:
    """Return `value[b, m, k]` as `[b * m, k]`."""
    source = ir.RankedTensorType(value.type)
    batch, rows, columns = source.shape
    dynamic = source.is_dynamic_dim(0) or source.is_dynamic_dim(1)
    flat = ir.RankedTensorType.get(
        [ir.ShapedType.get_dynamic_size() if dynamic else batch * rows, columns], source.element_type
    )
    return tensor.CollapseShapeOp(flat, value, _BATCH_AND_ROWS).result


def _is_canonical_batch_matmul(op: ir.Operation) -> bool:
    """Return whether `op` is a `linalg.batch_matmul` on tensors whose operands are neither transposed nor broadcast."""
    return op.name == "linalg.batch_matmul" and len(op.results) == 1 and operand_dims(op) == canonical_dims(op)


def broadcast_matrix(value: ir.Value) -> ir.Value | None:
    """Return the matrix that `value[b, k, n]` repeats for each b, or None."""
    producer = defining_op(value)
    if producer is None:
        return None
    if producer.name == "linalg.broadcast" and list(producer.attributes["dimensions"]) == [0]:
        return producer.operands[0]
    if producer.name != "linalg.generic" or len(producer.operands) != 2:
        return None
    body = producer.regions[0].blocks[0]
    if len(list(body.operations)) != 1 or body.operations[0].operands[0] != body.arguments[0]:
        return None
    read, written = ([str(e) for e in a.value.results] for a in producer.attributes["indexing_maps"])
    return producer.operands[0] if len(written) == 3 and read == written[1:] else None
