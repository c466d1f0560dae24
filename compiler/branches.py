"""`torch.cond` for torch-mlir's importer, which has no handler for it: branches become functions behind a `prim.If`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch_mlir.extras.fx_importer import GraphNodeImporter

from ..bindings import ir

if TYPE_CHECKING:
    import torch


class NodeImporter(GraphNodeImporter):  # type: ignore[misc]
    """torch-mlir's importer of the nodes of a graph, which knows `torch.cond`, too."""

    def _import_hop_cond(self, loc: ir.Location, node: torch.fx.Node, hop: Any) -> None:
        """Import `cond(condition, branch, other_branch, operands)`: the branches' graphs are functions already."""
        args: Any = node.args
        condition, *branches, operands = args
        values = [self._import_argument(loc, operand) for operand in operands]
        found = node.meta["val"]
        types = [self._cc.value_info_to_type(one) for one in found]
        if_op = ir.Operation.create(
            "torch.prim.If", results=types, operands=[self._as_bool(loc, condition)], regions=2, loc=loc
        )
        for branch, region in zip(branches, if_op.regions, strict=True):
            module = getattr(node.graph.owning_module, str(branch.target))
            name = self.fx_importer._graph_module_to_func_name[id(module)]
            with loc, ir.InsertionPoint(ir.Block.create_at_start(region, [])):
                callee = {"callee": ir.FlatSymbolRefAttr.get(name)}
                call = ir.Operation.create("func.call", attributes=callee, results=types, operands=values)
                ir.Operation.create("torch.prim.If.yield", operands=list(call.results))
        self._multi_result_nodes.add(node)
        for number, value in enumerate(if_op.results):
            self.bind_node_value(node, value, number)

    def _as_bool(self, loc: ir.Location, condition: Any) -> ir.Value:
        """Return a condition, a tensor of one bool or a bool, as torch-mlir's bool."""
        value = self._import_argument(loc, condition)
        if value.type == self._cc.torch_bool_type:
            return value
        return ir.Operation.create(
            "torch.aten.Bool.Tensor", results=[self._cc.torch_bool_type], operands=[value], loc=loc
        ).result
