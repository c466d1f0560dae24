"""The layout that weights are packed in once, ahead of all calls: panels of the columns of B.

A matrix B [K, N] of weights becomes `[panels][K][width]`, `width` columns a panel, as many panels as cover N; columns
beyond N are zero. A block of the depth of one panel, which a packed kernel multiplies a block of A with, is then
contiguous in memory, and so is what it reads next.

For L-Mul under the policy `finite` the elements are the floats that the operator sees: clamped, with k mantissa bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..bindings import ir

PANELS: Final = "panels"
"""The value of the attribute `slipstick.weights` on the `linalg.generic` that lays panels out as a matrix again."""


def panel_count(columns: int, width: int) -> int:
    """Return how many panels of `width` columns cover a matrix of so many."""
    return -(-columns // width)


def panels_type(element: ir.Type, width: int) -> ir.MemRefType:
    """Return `memref<?x?xWIDTHxT>`: the panels as a kernel takes them."""
    from ..bindings import ir

    dynamic = ir.ShapedType.get_dynamic_size()
    return ir.MemRefType.get([dynamic, dynamic, width], element)
