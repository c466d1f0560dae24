"""Operations on memrefs that move no data."""

from __future__ import annotations

VIEWS: frozenset[str] = frozenset(
    {
        "memref.cast",
        "memref.collapse_shape",
        "memref.expand_shape",
        "memref.reinterpret_cast",
        "memref.reshape",
        "memref.subview",
        "memref.transpose",
        "memref.view",
    }
)
"""Their first operand is the memref that the result is a view of."""
