"""Takes a scheduled module apart into kernels: modules of one function that can be lowered on their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..bindings import ir
from ..kernels.decision import DECISION_ATTRIBUTE
from ..kernels.decision_nest import NEST
from ..passes.block_sequence import is_carried
from ..passes.nest_text import FUNCTION as FUNCTION
from ..passes.nest_text import standalone_module
from ..passes.walk import find

_NOT_KERNELS = frozenset({"func.return", "func.call", "linalg.fill", "linalg.transpose"})


@dataclass(frozen=True)
class Kernel:
    """One group of operations that is lowered to one loop nest, or to one contraction."""

    text: str
    """A module with the function `kernel` on tensors, at the stage "scheduled", without locations."""
    kind: str
    """`packed`, `skinny`, `rows`, `attention` of contractions; else `row` for loops over rows, `elementwise`."""
    operations: tuple[str, ...]
    """The names of operations in it, each once, sorted."""


def kernels(root: ir.Operation) -> list[Kernel]:
    """Return the kernels of a module at the stage "scheduled", or of one function of it.

    In order, without what is equal to an earlier one.
    """
    found: dict[str, Kernel] = {}
    for function in find(root, lambda op: op.name == "func.func"):
        for block in function.regions[0].blocks:
            for view in block.operations:
                for kernel in _kernel(view.operation):
                    found.setdefault(kernel.text, kernel)
    return list(found.values())


def _kernel(op: ir.Operation) -> Iterator[Kernel]:
    computes = find(op, lambda inner: inner.name.startswith("linalg.") and not inner.name.startswith("linalg.yield"))
    if not computes or op.name in _NOT_KERNELS or is_carried(op):
        return
    names = sorted({inner.name for inner in find(op, lambda _: True)})
    decisions = find(op, lambda inner: DECISION_ATTRIBUTE in inner.attributes)
    kind = "row" if op.name == "scf.forall" else "elementwise"
    if decisions and (decided := decisions[0].attributes[DECISION_ATTRIBUTE]["kind"].value) != NEST:
        kind = decided
    yield Kernel(str(standalone_module([op], "scheduled").operation.get_asm(use_local_scope=True)), kind, tuple(names))
