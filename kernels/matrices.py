"""Types and views of matrices in memory, whatever their strides."""

from __future__ import annotations

from typing import Literal

from ..bindings import ir, memref

DYNAMIC = ir.ShapedType.get_dynamic_size()
DYNAMIC_STRIDE = ir.ShapedType.get_dynamic_stride_or_offset()
Contiguous = Literal["rows", "columns"]
"""Which lines of a matrix B [K, N] lie without gaps in memory."""


def strided_matrix_type(
    element: ir.Type, *, unit_columns: bool = False, row_stride: int | None = None
) -> ir.MemRefType:
    """Return `memref<?x?xT, strided<[?, ?], offset: ?>>`, with unit column stride and the row stride if asked."""
    strides = [DYNAMIC_STRIDE if row_stride is None else row_stride, 1 if unit_columns else DYNAMIC_STRIDE]
    return ir.MemRefType.get([DYNAMIC, DYNAMIC], element, ir.StridedLayoutAttr.get(DYNAMIC_STRIDE, strides))


def row_major(
    element: ir.Type, base: ir.Value, offset: ir.Value, sizes: tuple[ir.Value, ir.Value], row_stride: ir.Value
) -> ir.Value:
    """Emit a view of the matrix at `base` with rows `row_stride` apart and unit column stride."""
    return memref.ReinterpretCastOp(
        strided_matrix_type(element, unit_columns=True),
        base,
        [offset],
        list(sizes),
        [row_stride],
        [DYNAMIC_STRIDE],
        [DYNAMIC, DYNAMIC],
        [DYNAMIC_STRIDE, 1],
    ).result
