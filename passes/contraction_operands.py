"""Operands of contractions on memrefs as the kernels take them: in canonical order, with contiguous rows."""

from __future__ import annotations

from ..bindings import arith, ir, linalg, memref
from .contraction_dims import canonical_dims, operand_dims


def in_canonical_order(
    op: ir.Operation, number: int, value: ir.Value | None = None, *, transposed: bool = False
) -> ir.Value:
    """Return operand `number` with its dimensions in the order ([batch,] m, k), ([batch,] k, n) or ([batch,] m, n).

    `value` is what to take in place of the operand. `transposed`: the last two dimensions the other way round.
    """
    dims = operand_dims(op)[number]
    wanted = canonical_dims(op)[number]
    if transposed:
        wanted = [*wanted[:-2], wanted[-1], wanted[-2]]
    value = op.operands[number] if value is None else value
    if dims == wanted:
        return value
    source = ir.MemRefType(value.type)
    order = [dims.index(d) for d in wanted]
    strides, offset = source.get_strides_and_offset()
    result = ir.MemRefType.get(
        [source.shape[i] for i in order],
        source.element_type,
        ir.StridedLayoutAttr.get(offset, [strides[i] for i in order]),
        source.memory_space,
    )
    permutation = ir.AffineMapAttr.get(ir.AffineMap.get_permutation(order))
    return memref.TransposeOp(result, value, permutation).result


def with_contiguous_rows(matrix: ir.Value) -> ir.Value:
    """Return a copy of `matrix` with contiguous rows."""
    source = ir.MemRefType(matrix.type)
    sizes = [memref.dim(matrix, arith.constant(ir.IndexType.get(), d)) for d in (0, 1) if source.is_dynamic_dim(d)]
    copy = memref.alloc(ir.MemRefType.get(source.shape, source.element_type), sizes, [])
    linalg.copy(matrix, outs=[copy])
    return copy
