"""Give functions the linkage that LLVM optimises by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext
from .outline_kernels import NOALIAS_ATTRIBUTE
from .prepare_entry import ENTRY_ATTRIBUTE

NOALIAS_POINTERS_ATTRIBUTE = "slipstick.noalias_pointers"


@dataclass(frozen=True)
class FinishKernels(Pass):
    """Make all functions but the entry internal.

    Runs on `func.func`, before it is lowered, and translates `slipstick.noalias` into positions of pointers among the
    lowered arguments, for `annotate-kernels`.
    """

    name: ClassVar[str] = "finish-kernels"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Set `llvm.linkage` on each function with a body that is not the entry."""
        entry = op.attributes[ENTRY_ATTRIBUTE].value if ENTRY_ATTRIBUTE in op.attributes else "main"
        for function in op.regions[0].blocks[0].operations:
            if not isinstance(function, func.FuncOp) or function.is_external or function.name.value == entry:
                continue
            function.attributes["llvm.linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
            if NOALIAS_ATTRIBUTE in function.attributes:
                pointers = _pointers(function, list(function.attributes[NOALIAS_ATTRIBUTE]))
                function.attributes[NOALIAS_POINTERS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get(pointers)
            ctx.count("functions finished")


def _pointers(function: func.FuncOp, memrefs: list[int]) -> list[int]:
    """Return where the data pointers of the memref arguments stand once descriptors are taken apart.

    A memref of rank r becomes 3 + 2r arguments: the allocated and the aligned pointer, offset, sizes, strides.
    """
    pointers = []
    position = 0
    for number, argument in enumerate(function.arguments):
        if isinstance(argument.type, ir.MemRefType):
            if number in memrefs:
                pointers.append(position + 1)
            position += 3 + 2 * argument.type.rank
        else:
            position += 1
    return pointers
