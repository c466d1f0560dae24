"""Nodes of a graph of aot_autograd: what they are, and whether one could be compiled at all."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import Node
from torch.fx.experimental.symbolic_shapes import free_unbacked_symbols

_NAMESPACES = ("aten", "prims")
_NARROW = ("float8", "float4", "bits", "quint", "qint", "uint1", "uint2", "uint3", "uint4", "uint5", "uint6", "uint7")
"""How the names of dtypes begin that are left to torch."""

_WITH_GENERATOR = ("run_and_save_rng_state", "run_with_rng_state")
"""What the random operations of a checkpointed function become: with the generator's state, so as to be repeated."""


def is_computation(node: Node) -> bool:
    """Tell whether a node computes tensors, as opposed to sizes and to taking one of several results."""
    return node.op == "call_function" and node.target is not operator.getitem and not is_size(node)


def is_size(node: Node) -> bool:
    """Tell whether a node's value is a number that follows from sizes."""
    value = node.meta.get("val")
    return isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool | int | float | bool)


def is_random(node: Node) -> bool:
    """Tell whether a node reads torch's generator of random numbers."""
    tags = getattr(node.target, "tags", ())
    return torch.Tag.nondeterministic_seeded in tags or str(node.target) in _WITH_GENERATOR


def is_write(node: Node) -> bool:
    """Tell whether a node overwrites an input of the graph, as aot_autograd writes it at the end of one."""
    return node.target is torch.ops.aten.copy_.default and _is_input(node.args[0])


def written_by(write: Node) -> tuple[Node, Node]:
    """Return the input that a write overwrites, and with what."""
    target, source = write.args[:2]
    assert isinstance(target, Node) and isinstance(source, Node)
    return target, source


def _is_input(value: Any) -> bool:
    return isinstance(value, Node) and value.op == "placeholder"


def refusal(node: Node) -> str:
    """Return why a node cannot be compiled, "" where it may be: the lowering has the last word."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload):
        return "no operation of aten"
    if target.namespace not in _NAMESPACES:
        return f"an operation of {target.namespace}, not of aten"
    if target._schema.is_mutable:
        return "it overwrites an operand"
    for value in tensors(node):
        if not value.is_cpu:
            return f"a tensor on {value.device}"
        if value.layout != torch.strided:
            return f"a tensor of layout {value.layout}"
        if value.is_complex():
            return "complex numbers"
        name = str(value.dtype).removeprefix("torch.")
        if name.startswith(_NARROW):
            return f"a tensor of {name}"
        if any(free_unbacked_symbols(size) for size in value.shape):
            return "a size depends on data"
    return ""


def tensors(node: Node) -> Iterator[torch.Tensor]:
    """Yield the (fake) tensors that a node takes and makes."""
    for one in (node, *node.all_input_nodes):
        value = one.meta.get("val")
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, torch.Tensor):
                yield part


def operation_name(node: Node) -> str:
    """Return the name of a node's operation, e.g. `aten.mm.default`."""
    return str(node.target)
