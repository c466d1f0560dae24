"""Tell LLVM what it cannot see of a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..bindings import ir
from .base import Pass, PassContext, option
from .finish_kernels import NOALIAS_POINTERS_ATTRIBUTE


@dataclass(frozen=True)
class AnnotateKernels(Pass):
    """Set `no_inline` on internal functions and `llvm.noalias` on the pointers that `finish-kernels` listed.

    With `vector-bits`, LLVM vectorises loops for registers of that width where it has tuned a CPU for narrower ones.
    Runs on `llvm.func`. Inlined kernels would make the entry as large as it was before outlining; without `noalias`
    LLVM's vectoriser compares all pointers at run time and keeps a scalar copy of each loop.
    """

    name: ClassVar[str] = "annotate-kernels"
    anchor: ClassVar[str | None] = "builtin.module"
    vector_bits: int = option(0, "width of the vectors that loops are turned into, in bits; 0: as LLVM likes")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Visit each function with a body and internal linkage."""
        for view in op.regions[0].blocks[0].operations:
            function = view.operation
            if function.name != "llvm.func" or not len(function.regions[0].blocks):
                continue
            if str(function.attributes["linkage"]) == "#llvm.linkage<internal>":
                function.attributes["no_inline"] = ir.UnitAttr.get()
                if self.vector_bits:
                    width = [ir.StringAttr.get(text) for text in ("prefer-vector-width", str(self.vector_bits))]
                    function.attributes["passthrough"] = ir.ArrayAttr.get([ir.ArrayAttr.get(width)])
                ctx.count("functions kept apart")
            if NOALIAS_POINTERS_ATTRIBUTE in function.attributes:
                positions = list(function.attributes[NOALIAS_POINTERS_ATTRIBUTE])
                _mark_pointers(function, positions)
                del function.attributes[NOALIAS_POINTERS_ATTRIBUTE]
                ctx.count("pointers marked", len(positions))


def _mark_pointers(function: ir.Operation, positions: list[int]) -> None:
    attributes = function.attributes
    count = len(function.regions[0].blocks[0].arguments)
    marked = list(attributes["arg_attrs"]) if "arg_attrs" in attributes else [ir.DictAttr.get({})] * count
    for position in positions:
        kept = {named.name: named.attr for named in marked[position]}
        marked[position] = ir.DictAttr.get({**kept, "llvm.noalias": ir.UnitAttr.get()})
    attributes["arg_attrs"] = ir.ArrayAttr.get(marked)
