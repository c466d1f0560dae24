"""A part of a graph as a graph of its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from .operations import is_size, written_by


@dataclass(frozen=True, eq=False)
class Part:
    """Nodes of a graph that are compiled together."""

    module: GraphModule
    """A graph of these nodes alone; its placeholders are `inputs`, its result a tuple of `outputs`, then `written`."""
    inputs: tuple[Node, ...]
    """Of the whole graph: what it reads, the state first."""
    state: int
    """How many of the inputs are state: parameters and buffers."""
    outputs: tuple[Node, ...]
    """Of the whole graph: what it computes for others."""
    written: tuple[Node, ...]
    """The inputs that it overwrites."""


def cut(whole: GraphModule, nodes: Sequence[Node], state: Collection[Node], writes: Sequence[Node]) -> Part:
    """Return `nodes` as a part; `state` are placeholders of the whole graph, `writes` each `copy_` that it may do."""
    inside = set(nodes)
    builder = _Builder(whole, inside, state)
    for node in nodes:
        builder.add(node)
    outputs = tuple(node for node in nodes if _is_read_outside(node, inside, writes))
    written, sources = zip(*map(written_by, writes), strict=True) if writes else ((), ())
    for node in written:
        builder.value(node)
    builder.graph.output(tuple(builder.value(node) for node in (*outputs, *sources)))
    inputs, count = builder.sort_inputs()
    return Part(GraphModule(whole, builder.graph), inputs, count, outputs, tuple(written))


def _is_read_outside(node: Node, inside: Collection[Node], writes: Sequence[Node]) -> bool:
    if isinstance(node.meta.get("val"), tuple | list):
        return False  # its results are taken inside, each by a node of its own
    return any(user not in inside and user not in writes for user in node.users)


class _Builder:
    """Copies nodes into a new graph, with placeholders for what they read of others."""

    def __init__(self, whole: GraphModule, inside: Collection[Node], state: Collection[Node]):
        self.graph = Graph()
        self._inside, self._state = inside, state
        self._made: dict[Node, Node] = {}
        self._inputs: dict[Node, Node] = {}
        self._first: Node | None = None
        # Sizes are read off tensors, so that native code takes tensors alone: a call with numbers goes through Python.
        self._sizes = _sizes_of(node for one in inside for node in one.all_input_nodes if node not in inside)

    def add(self, node: Node) -> None:
        self._made[node] = self.graph.node_copy(node, self.value)

    def value(self, node: Node) -> Node:
        """Return what stands for a node of the whole graph."""
        if node in self._made:
            return self._made[node]
        if node.op == "get_attr":
            self._made[node] = self.graph.node_copy(node)
        elif is_size(node) and node not in self._inside:
            self._made[node] = self._size(node)
        else:
            self._made[node] = self._placeholder(node)
        return self._made[node]

    def _size(self, node: Node) -> Node:
        found = self._sizes.get(str(node.meta["val"]))
        if found is not None:
            source, dim = found
            made = self.graph.call_function(torch.ops.aten.sym_size.int, (self.value(source), dim))
            made.meta["val"] = node.meta["val"]
            return made
        reads = node.all_input_nodes
        if node.op == "call_function" and reads and all(is_size(source) for source in reads):
            return self.graph.node_copy(node, self.value)
        return self._placeholder(node)

    def _placeholder(self, node: Node) -> Node:
        nodes = iter(self.graph.nodes)
        first = next((one for one in nodes if one.op != "placeholder"), None)
        made = self.graph.placeholder(node.name) if first is None else self._before(first, node.name)
        made.meta = dict(node.meta)
        self._inputs[node] = made
        return made

    def _before(self, first: Node, name: str) -> Node:
        with self.graph.inserting_before(first):
            return self.graph.placeholder(name)

    def sort_inputs(self) -> tuple[tuple[Node, ...], int]:
        """Put the state's placeholders first; return what the inputs stand for, and how many are state."""
        ordered = sorted(self._inputs, key=lambda node: node not in self._state)
        for node in reversed(ordered):
            first = next(iter(self.graph.nodes))
            if first is not self._inputs[node]:
                first.prepend(self._inputs[node])
        return tuple(ordered), sum(node in self._state for node in ordered)


def _sizes_of(nodes: Any) -> dict[str, tuple[Node, int]]:
    """Return a tensor and a dimension for each size that is a symbol."""
    found: dict[str, tuple[Node, int]] = {}
    for node in nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            for dim, size in enumerate(value.shape):
                if isinstance(size, torch.SymInt) and size.node.expr.is_symbol:
                    found.setdefault(str(size), (node, dim))
    return found
