"""The epilogue behind a contraction on memrefs."""

from __future__ import annotations

from dataclasses import dataclass

from ..bindings import ir, memref
from ..kernels.epilogue import EPILOGUE_ATTRIBUTE, Epilogue
from .base import PassContext
from .batch_slices import slice_of
from .epilogues import is_apart, operand_loops, read_epilogue
from .lmul_scope import mark_multiplies
from .views import VIEWS

_HARMLESS = VIEWS | {"memref.alloc", "memref.dim"}


@dataclass(frozen=True)
class FollowingEpilogue:
    """The `linalg.generic` that a contraction's kernel does, and what it does to an element."""

    op: ir.Operation
    epilogue: Epilogue

    def operands(self, batch: ir.Value | None = None) -> list[ir.Value]:
        """Emit the arguments that the kernel has for the operands, for slice number `batch` of a batch."""
        element = ir.MemRefType(self.op.operands[-1].type).element_type
        found = []
        for operand, loops, type_ in zip(
            self.op.opview.inputs, operand_loops(self.op), self.epilogue.types(element), strict=True
        ):
            value = slice_of(operand, batch) if batch is not None and 0 in loops else operand
            found.append(memref.cast(type_, value))
        return found


def following_epilogue(contraction: ir.Operation, ctx: PassContext) -> FollowingEpilogue | None:
    """Return the epilogue of a contraction on memrefs; None where there is none, or none that its kernel is to do.

    It stands behind it, updates its result, and nothing is done in between. Raises where its attribute or form is
    illegal. Where a pass has moved it away, or an operand's rows are not contiguous, it is left to be a loop.
    """
    op = _find(contraction)
    if op is None or is_apart(op):
        return None
    mark_multiplies(op)
    try:
        epilogue = read_epilogue(op)
    except ValueError as problem:
        raise ctx.fail(op, str(problem)) from problem
    for operand, dims in zip(op.opview.inputs, epilogue.operands, strict=True):
        if 1 in dims and ir.MemRefType(operand.type).get_strides_and_offset()[0][-1] != 1:
            return None
    return FollowingEpilogue(op, epilogue)


def _find(contraction: ir.Operation) -> ir.Operation | None:
    result = contraction.operands[2]
    behind = False
    for view in contraction.block.operations:
        op = view.operation
        if behind:
            if EPILOGUE_ATTRIBUTE in op.attributes and op.operands[-1] == result:
                return op
            if op.name not in _HARMLESS and not op.name.startswith("arith."):
                return None
        behind = behind or op == contraction
    return None
