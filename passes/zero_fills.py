"""The filling of a result with zeros that a product which overwrites it makes needless."""

from __future__ import annotations

import math

from ..bindings import func, ir
from .contraction_dims import depth_of
from .values import constant, defining_op


def erase_zero_fill(op: ir.Operation) -> bool:
    """Erase the filling of C with zeros before the product, where nothing else reads or writes C up to it.

    Only where the depth is known and not zero: the kernel overwrites C in its first block of the depth.
    """
    c = op.operands[2]
    if op.name != "linalg.matmul" or depth_of(op) < 1:
        return False
    if defining_op(c) is None and not _is_argument_of_private_function(c):
        return False
    users = [_in_block(use.owner.operation, op.block) for use in c.uses]
    if any(user is None for user in users):
        return False
    before = {user for user in users if user is not None and user != op and user.is_before_in_block(op)}
    fill = before.pop() if len(before) == 1 else None
    if fill is None or fill.name != "linalg.fill" or not _is_positive_zero(fill.operands[0]):
        return False
    fill.erase()
    return True


def _is_argument_of_private_function(value: ir.Value) -> bool:
    """Tell whether `value` is what a layer writes its result into: a buffer that its callers use for nothing else."""
    owner = value.owner
    function = owner.owner if isinstance(owner, ir.Block) else None
    if not isinstance(function, func.FuncOp) or "sym_visibility" not in function.attributes:
        return False
    return bool(function.attributes["sym_visibility"].value == "private")


def _in_block(op: ir.Operation, block: ir.Block) -> ir.Operation | None:
    """Return the operation of `block` that is `op` or holds it."""
    while op.block != block:
        if op.parent is None:
            return None
        op = op.parent.operation
    return op


def _is_positive_zero(value: ir.Value) -> bool:
    attribute = constant(value)
    if not isinstance(attribute, ir.FloatAttr):
        return False
    return attribute.value == 0.0 and math.copysign(1.0, attribute.value) > 0
