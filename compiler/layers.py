"""Which torch submodule each operation comes from: carried through torch-mlir in locations, kept as an attribute.

    linalg.matmul {slipstick.layer = "encoder.layer.0.attention.self.query"} ins(...)

Passes of torch-mlir drop attributes but keep locations. The text of a module has no locations: attributes remain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch_mlir.extras.fx_importer import ContextCache, FxImporter

from ..bindings import ir
from ..passes.layer import LAYER
from ..passes.walk import find
from .branches import NodeImporter

if TYPE_CHECKING:
    import torch

_PREFIX = "layer:"


class LayerImporter(FxImporter):  # type: ignore[misc]
    """torch-mlir's importer, with the path of its submodule as the name of each node's location."""

    def __init__(self, context: ir.Context):
        super().__init__(context=context, graph_node_importer_cls=NodeImporter)
        self._cc = _LayerLocations(context, py_attr_tracker=self._py_attr_tracker)


class _LayerLocations(ContextCache):  # type: ignore[misc]
    """The importer's types and locations."""

    def get_node_location(self, node: torch.fx.Node) -> ir.Location | None:
        location, layer = super().get_node_location(node), layer_of(node)
        return ir.Location.name(f"{_PREFIX}{layer}", location, context=self._c) if layer else location


def layer_of(node: torch.fx.Node) -> str:
    """Return the path of the innermost submodule that a node was traced in, as `named_modules` has it; "": none."""
    stack: dict[str, Any] = node.meta.get("nn_module_stack") or {}
    path = str(next(reversed(stack.values()))[0]) if stack else ""
    return path.removeprefix("L['self']").removeprefix(".")


def attach_layers(module: ir.Module) -> None:
    """Put the attribute `slipstick.layer` on each linalg operation whose location names a submodule."""
    for op in find(module.operation, lambda op: op.name.startswith("linalg.") and bool(op.regions)):
        layer = _named_in(op.location)
        if layer:
            op.attributes[LAYER] = ir.StringAttr.get(layer, module.context)


def _named_in(location: ir.Location) -> str:
    """Return the layer that a location, or the first one that was fused into it, names."""
    if isinstance(location, ir.NameLoc):
        return location.name_str.removeprefix(_PREFIX) if location.name_str.startswith(_PREFIX) else ""
    if isinstance(location, ir.FusedLoc):
        return next((layer for layer in map(_named_in, location.locations) if layer), "")
    return ""
