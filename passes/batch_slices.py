"""One slice of a batch, on memrefs."""

from __future__ import annotations

from ..bindings import arith, ir, memref

_DYNAMIC = ir.ShapedType.get_dynamic_size()
_DYNAMIC_OFFSET = ir.ShapedType.get_dynamic_stride_or_offset()


def slice_of(value: ir.Value, batch: ir.Value) -> ir.Value:
    """Emit `value[batch, ...]`, all of the other dimensions, as a view without the first one."""
    source = ir.MemRefType(value.type)
    strides, _ = source.get_strides_and_offset()
    others = range(1, source.rank)
    result = ir.MemRefType.get(
        source.shape[1:],
        source.element_type,
        ir.StridedLayoutAttr.get(_DYNAMIC_OFFSET, strides[1:]),
        source.memory_space,
    )
    sizes = [
        memref.dim(value, arith.constant(ir.IndexType.get(), dim)) if source.is_dynamic_dim(dim) else None
        for dim in others
    ]
    static_sizes = [1, *(_DYNAMIC if s is not None else source.shape[d] for d, s in zip(others, sizes, strict=True))]
    return memref.SubViewOp(
        result,
        value,
        [batch],
        [size for size in sizes if size is not None],
        [],
        [_DYNAMIC, *[0] * len(others)],
        static_sizes,
        [1] * source.rank,
    ).result
