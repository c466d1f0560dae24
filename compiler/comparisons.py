"""Comparisons of a tensor with a number: torch makes the number one of the tensor's type first."""

from __future__ import annotations

from typing import Final

import torch

_AGAINST_NUMBERS: Final = frozenset(
    getattr(torch.ops.aten, name).Scalar for name in ("eq", "ge", "gt", "le", "lt", "ne")
)


def round_compared_numbers(graph: torch.fx.Graph) -> None:
    """Round the numbers that tensors of floats are compared with to the tensor's type, in place.

    torch-mlir widens the tensor to f64 and compares with the number as it is written: f32's 7.33 would be below 7.33,
    where torch finds them equal.
    """
    for node in graph.nodes:
        if node.op != "call_function" or node.target not in _AGAINST_NUMBERS:
            continue
        operand, number = node.args
        value = operand.meta.get("val") if isinstance(operand, torch.fx.Node) else None
        if isinstance(number, float) and isinstance(value, torch.Tensor) and value.dtype.is_floating_point:
            node.update_arg(1, torch.tensor(number, dtype=value.dtype).item())
