"""Questions about SSA values and loop bounds that several passes ask."""

from __future__ import annotations

from ..bindings import ir


def defining_op(value: ir.Value) -> ir.Operation | None:
    """Return the operation whose result `value` is, or None for a block argument.

    Always the plain `ir.Operation`: the bindings give an `OpView` where they know the dialect, which is no `Operation`.
    """
    owner = value.owner
    return None if isinstance(owner, ir.Block) else owner.operation


def constant(value: ir.Value) -> ir.Attribute | None:
    """Return the attribute that an `arith.constant` makes `value` of, None for any other value."""
    op = defining_op(value)
    return op.attributes["value"] if op is not None and op.name == "arith.constant" else None


def constant_lanes(value: ir.Value) -> float | None:
    """Return the number, integer or not, that `value` or every lane of it is; None where that is not known."""
    attribute = constant(value)
    if isinstance(attribute, ir.DenseElementsAttr) and attribute.is_splat:
        attribute = attribute.get_splat_value()
    return float(attribute.value) if isinstance(attribute, (ir.FloatAttr, ir.IntegerAttr)) else None


def trip_count(lower: int | None, upper: int | None, step: int | None) -> int | None:
    """Return how often a loop from `lower` to below `upper` runs; None where that is not known or never ends."""
    if lower is None or upper is None or step is None or step <= 0:
        return None
    return max(0, -(-(upper - lower) // step))


def is_strided(type_: ir.MemRefType) -> bool:
    """Tell whether a buffer's layout is given by strides and an offset."""
    try:
        type_.get_strides_and_offset()
    except (ValueError, RuntimeError):
        return False
    return True
