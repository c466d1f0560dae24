"""Arithmetic on integers of 8 bits, done in 32 bits: torch-mlir takes those of uint8 for signed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch.export.graph_signature import OutputSpec

_BYTES: Final = (torch.uint8, torch.int8)
_WIDENED: Final = frozenset(
    getattr(torch.ops.aten, name)
    for name in (
        *("add", "sub", "rsub", "mul", "div", "floor_divide", "fmod", "remainder", "pow", "neg", "abs", "sign", "sgn"),
        *("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift", "bitwise_right_shift"),
        *("eq", "ne", "lt", "le", "gt", "ge", "where", "maximum", "minimum", "clamp", "clamp_min", "clamp_max", "relu"),
        *("sum", "prod", "amax", "amin", "aminmax", "max", "min", "any", "all", "cumsum", "cumprod", "sort", "topk"),
    )
)
"""What moves elements, and conversions to other types, stay as they are."""


def widen_bytes(graph: torch.fx.Graph, outputs: Sequence[OutputSpec] = ()) -> None:
    """Compute with int32 where a decomposed graph computes with uint8 or int8, in place; results are cut to 8 bits.

    torch-mlir extends the sign of uint8: 200 / 2 would be -28, and 130 != 130. A difference of 8 bits and a number, and
    the greatest of all int8, end the process; -x of -128 is 127. `outputs` are the specifications of the graph's
    results, where it has them.
    """
    for node in list(graph.nodes):
        packet = getattr(node.target, "overloadpacket", None)
        if node.op != "call_function" or packet not in _WIDENED:
            continue
        narrow = [operand for operand in node.all_input_nodes if _is_byte(operand.meta.get("val"))]
        # `where` reads no numbers where all are of one type; it only moves them.
        values = [operand.meta.get("val") for operand in node.all_input_nodes]
        if not narrow or (packet is torch.ops.aten.where and _is_byte(node.meta["val"]) and len(values) == 3):
            continue
        for operand in narrow:
            with graph.inserting_before(node):
                wide = _converted(graph, operand, torch.int32, node)
            node.replace_input_with(operand, wide)
        _narrow_results(graph, node, outputs)


def _is_byte(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype in _BYTES


def _narrow_results(graph: torch.fx.Graph, node: torch.fx.Node, outputs: Sequence[OutputSpec]) -> None:
    """Say that a node makes int32, and cut what it makes to the type that it made before."""
    value = node.meta["val"]
    node.meta.pop("tensor_meta", None)  # what the importer would take the type from
    if isinstance(value, torch.Tensor):
        if _is_byte(value):
            _narrow(graph, node, value, outputs)
        return
    node.meta["val"] = type(value)(part.to(torch.int32) if _is_byte(part) else part for part in value)
    for user in list(node.users):
        if _is_byte(user.meta["val"]):  # a `getitem`
            _narrow(graph, user, user.meta["val"], outputs)


def _narrow(graph: torch.fx.Graph, node: torch.fx.Node, value: torch.Tensor, outputs: Sequence[OutputSpec]) -> None:
    users = list(node.users)
    node.meta.pop("tensor_meta", None)
    # Of uint8 alone torch makes uint8 where it makes truth values of all other types.
    tells = getattr(node.target, "overloadpacket", None) in (torch.ops.aten.any, torch.ops.aten.all)
    node.meta["val"] = value.to(torch.bool if tells else torch.int32)
    with graph.inserting_after(node):
        narrow = _converted(graph, node, value.dtype, node)
    for user in users:
        user.replace_input_with(node, narrow)
    for spec in outputs:
        if getattr(spec.arg, "name", None) == node.name:
            spec.arg.name = narrow.name


def _converted(graph: torch.fx.Graph, node: torch.fx.Node, dtype: torch.dtype, place: torch.fx.Node) -> torch.fx.Node:
    """Return a node of another type, of which errors name the place that another node has."""
    converted = graph.call_function(torch.ops.prims.convert_element_type.default, (node, dtype))
    converted.meta = {key: value for key, value in place.meta.items() if key != "tensor_meta"}
    converted.meta["val"] = node.meta["val"].to(dtype)
    return converted
