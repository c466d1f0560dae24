"""Comparisons of a tensor with a number: torch makes the number one of the tensor's type first."""

from __future__ import annotations

from typing import Final

import torch

_OF_TENSORS: Final = {
    getattr(torch.ops.aten, name).Scalar: getattr(torch.ops.aten, name).Tensor
    for name in ("eq", "ge", "gt", "le", "lt", "ne")
}


def compare_in_own_type(graph: torch.fx.Graph) -> None:
    """Compare tensors of floats with a tensor of their own type in place of a number, in place.

    torch-mlir widens the tensor to f64 and compares with the number as it is written: f32's 7.33 would be below 7.33,
    where torch finds them equal, and vectors would hold half as many.
    """
    for node in list(graph.nodes):
        if node.op != "call_function" or node.target not in _OF_TENSORS:
            continue
        operand, number = node.args
        value = operand.meta.get("val") if isinstance(operand, torch.fx.Node) else None
        if not isinstance(number, int | float) or not isinstance(value, torch.Tensor) or not value.is_floating_point():
            continue
        with graph.inserting_before(node):
            own = graph.call_function(torch.ops.aten.full.default, ([], number), {"dtype": value.dtype})
        own.meta["val"] = value.new_empty(())
        node.target = _OF_TENSORS[node.target]
        node.args = (operand, own)
