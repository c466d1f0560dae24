"""How many bytes a buffer takes."""

from __future__ import annotations

import math

from ..bindings import ir


def static_bytes(allocation: ir.Operation, alignment: int) -> int | None:
    """Return the size of an allocation in bytes.

    None where it is not known, or where no view of a block that is aligned to `alignment` bytes can stand for it.
    """
    type_ = ir.MemRefType(allocation.results[0].type)
    if not type_.has_static_shape or type_.memory_space is not None:
        return None
    if type_.affine_map != ir.AffineMap.get_identity(type_.rank, type_.context):
        return None
    if "alignment" in allocation.attributes and allocation.attributes["alignment"].value > alignment:
        return None
    element = element_bytes(type_.element_type)
    return None if element is None else element * math.prod(int(size) for size in type_.shape)


def element_bytes(type_: ir.Type) -> int | None:
    """Return how far elements of that type lie apart in memory."""
    if isinstance(type_, ir.IndexType):
        return 8
    if isinstance(type_, ir.IntegerType | ir.FloatType):
        count = max(1, -(-int(type_.width) // 8))
        return 1 << (count - 1).bit_length()
    if isinstance(type_, ir.ComplexType):
        part = element_bytes(type_.element_type)
        return None if part is None else 2 * part
    if isinstance(type_, ir.VectorType):
        part = element_bytes(type_.element_type)
        is_packed = isinstance(type_.element_type, ir.IntegerType) and type_.element_type.width % 8 != 0
        if part is None or type_.scalable or is_packed:
            return None
        count = part * math.prod(int(size) for size in type_.shape)
        return 1 << (count - 1).bit_length()
    return None
