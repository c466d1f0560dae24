"""SkipDecode (arXiv 2307.02628): from a decode step of full depth to one function for each exit depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..bindings import func, ir
from .base import Pass, PassContext, option
from .cut_layers import CACHES_ATTRIBUTE, CUT_FUNCTION, CutLayers, cuts_of
from .executed_layers import executed_layers
from .layer_chain import LEAST_OPERATIONS
from .outline_layers import OutlineLayers
from .paths import note_paths
from .prepare_entry import find_entry


@dataclass(frozen=True)
class SkipDecode(Pass):
    """Make a function for each exit depth from `min-layers` to `max-layers`, next to the entry, which runs all layers.

    At depth e run the first `warmup` layers, then the top e - `warmup`. The functions take what the entry takes and
    return what it returns: a cache that a layer would write is handed on as it is where the layer is left out. They
    share the functions of outlined layers. The module's attribute `slipstick.paths` lists them by depth.

    Run it behind `cut-layers` and `outline-layers`. Where the layers are not cut yet, it runs both: what is fused
    across layers cannot be cut any more.
    """

    name: ClassVar[str] = "skip-decode"
    anchor: ClassVar[str | None] = "builtin.module"
    max_layers: int = option(0, "layers of the deepest path; 0: all that there are")
    min_layers: int = option(1, "layers of the shallowest path")
    warmup: int = option(1, "layers at the beginning that every path runs")
    min_operations: int = option(LEAST_OPERATIONS, "operations that a layer has at least, not counting what is cheap")

    def run(self, op: ir.Operation, ctx: PassContext) -> None:
        """Add the functions; raise, with the reason, where no layers are found or there are too few."""
        entry = find_entry(op)
        if entry is None:
            raise ctx.fail(op, "expected a function named 'main' or exactly one public func.func with a body")
        if not cuts_of(entry):
            CutLayers(self.min_operations).run(op, ctx)
            OutlineLayers(self.min_operations).run(op, ctx)
        layers = len(cuts_of(entry)) - 1
        most = self.max_layers or layers
        if not (1 <= self.min_layers <= most <= layers and 0 <= self.warmup <= self.min_layers):
            raise ctx.fail(
                entry.operation,
                f"expected warmup <= min-layers <= max-layers <= {layers} (the layers of the graph), and min-layers of "
                f"at least 1; found warmup={self.warmup} min-layers={self.min_layers} max-layers={most}",
            )
        paths: dict[int, str] = {}
        for depth in range(self.min_layers, most + 1):
            if depth == layers:
                continue
            paths[depth] = f"{entry.name.value}_depth_{depth}"
            path = _copy(entry, paths[depth])
            _keep(path, executed_layers(layers, self.warmup, depth))
            ctx.count("paths")
        paths[layers] = entry.name.value
        _keep(entry, range(layers))
        _erase_cut_function(op)
        note_paths(op, paths)


def _copy(entry: func.FuncOp, name: str) -> func.FuncOp:
    """Return a copy of `entry`, which stands in front of it."""
    copy = entry.operation.clone(ip=ir.InsertionPoint(entry.operation))
    copy.attributes["sym_name"] = ir.StringAttr.get(name, copy.context)
    function: func.FuncOp = copy.opview
    return function


def _keep(function: func.FuncOp, kept: Sequence[int]) -> None:
    """Rewrite a function so that it runs the layers `kept` alone, and has no cuts."""
    cuts = cuts_of(function)
    block = function.regions[0].blocks[0]
    returned = block.operations[len(block.operations) - 1].operation
    # Behind layer i stands cut i + 1: what that reads is the hidden state that the layer makes.
    hidden = cuts[0].operands[0]
    for number, cut in enumerate(cuts):
        is_kept = number in kept
        if is_kept or number == len(cuts) - 1:
            cut.results[0].replace_all_uses_with(hidden)
        if is_kept:
            hidden = cuts[number + 1].operands[0]
        elif CACHES_ATTRIBUTE in cut.attributes:
            for result, argument in cut.attributes[CACHES_ATTRIBUTE]:
                returned.operands[result] = block.arguments[argument]
    _erase_unread(block)


def _erase_unread(block: ir.Block) -> None:
    """Erase what nothing reads any more; on tensors, a call of a function writes nothing that it does not return."""
    for view in reversed(list(block.operations)):
        op = view.operation
        if len(op.results) and not any(True for result in op.results for _ in result.uses):
            op.erase()


def _erase_cut_function(module: ir.Operation) -> None:
    ir.SymbolTable(module)[CUT_FUNCTION].operation.erase()
