"""Give functions the linkage that LLVM optimises by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext
from .outline_kernels import NOALIAS_ATTRIBUTE
from .paths import noted_paths
from .prepare_entry import ENTRY_ATTRIBUTE
from .values import is_strided

NOALIAS_POINTERS_ATTRIBUTE = "slipstick.noalias_pointers"


@dataclass(frozen=True)
class FinishKernels(Pass):
    """Make all functions but the entry, of every depth, internal; pass memrefs of static shape as one pointer.

    Runs on `func.func`, before it is lowered, and translates `slipstick.noalias` into positions of pointers among the
    lowered arguments, for `annotate-kernels`. A call passes a whole descriptor as 3 + 2 * rank numbers; where the types
    of all memrefs say all of it but the pointer, MLIR's `llvm.bareptr` spares that.
    """

    name: ClassVar[str] = "finish-kernels"
    anchor: ClassVar[str | None] = "builtin.module"

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Set `llvm.linkage` on each function with a body that is not the entry."""
        entry = op.attributes[ENTRY_ATTRIBUTE].value if ENTRY_ATTRIBUTE in op.attributes else "main"
        try:
            entries = {entry, *noted_paths(op).values()}
        except ValueError as problem:
            raise ctx.fail(op, str(problem)) from problem
        for function in op.regions[0].blocks[0].operations:
            if not isinstance(function, func.FuncOp) or function.is_external or function.name.value in entries:
                continue
            function.attributes["llvm.linkage"] = ir.Attribute.parse("#llvm.linkage<internal>")
            bare = _has_static_memrefs(function)
            if bare:
                function.attributes["llvm.bareptr"] = ir.UnitAttr.get()
                ctx.count("functions on bare pointers")
            if NOALIAS_ATTRIBUTE in function.attributes:
                pointers = _pointers(function, list(function.attributes[NOALIAS_ATTRIBUTE]), bare)
                function.attributes[NOALIAS_POINTERS_ATTRIBUTE] = ir.DenseI64ArrayAttr.get(pointers)
            ctx.count("functions finished")


def _has_static_memrefs(function: func.FuncOp) -> bool:
    """Tell whether the memref arguments are known but for their pointer, and no memref is returned."""
    dynamic = ir.ShapedType.get_dynamic_stride_or_offset()
    for type_ in function.type.inputs:
        if not isinstance(type_, ir.MemRefType):
            continue
        if not type_.has_static_shape or not is_strided(type_):
            return False
        strides, offset = type_.get_strides_and_offset()
        if dynamic in (*strides, offset):
            return False
    return not any(isinstance(type_, ir.MemRefType) for type_ in function.type.results)


def _pointers(function: func.FuncOp, memrefs: list[int], bare: bool) -> list[int]:
    """Return where the data pointers of the memref arguments stand once descriptors are taken apart.

    A memref of rank r becomes 3 + 2r arguments: the allocated and the aligned pointer, offset, sizes, strides; `bare`:
    the one pointer.
    """
    pointers = []
    position = 0
    for number, argument in enumerate(function.arguments):
        if isinstance(argument.type, ir.MemRefType) and not bare:
            if number in memrefs:
                pointers.append(position + 1)
            position += 3 + 2 * argument.type.rank
        else:
            if number in memrefs:
                pointers.append(position)
            position += 1
    return pointers
