"""The whole of a graph again: calls of native parts, and between them what torch runs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from .levels import levels
from .lowering import Lowered
from .operations import is_write


def assemble(
    whole: GraphModule, lowered: Mapping[Lowered, Callable[..., Any]], left: frozenset[Node], visible: int
) -> Callable[..., Any]:
    """Return the function of the graph; it takes the inputs one by one and returns a list of results.

    `lowered` are the parts and what runs them, `left` what torch runs. Results of native code are row-major: where
    the trace has others, torch lays them out so for itself and for the first `visible` results of the graph.
    """
    return _Assembly(whole, lowered, left, visible).run()


class _Assembly:
    def __init__(
        self, whole: GraphModule, lowered: Mapping[Lowered, Callable[..., Any]], left: frozenset[Node], visible: int
    ):
        self._whole, self._lowered, self._left, self._visible = whole, lowered, left, visible
        self._graph = Graph()
        self._made: dict[Node, Any] = {}
        self._laid_out: dict[Node, Node] = {}
        self._native: set[Node] = set()
        self._calls: dict[str, Callable[..., Any]] = {}

    def run(self) -> Callable[..., Any]:
        """Return the function."""
        whole = self._whole.graph
        for node in whole.find_nodes(op="placeholder"):
            self._made[node] = self._graph.placeholder(node.name)
        by_first = {one.nodes[0]: one for one in self._lowered}
        inside = {node for one in self._lowered for node in one.nodes}
        order = levels(whole, self._left)
        writes = []
        for node in sorted((node for node in whole.nodes if node.op == "call_function"), key=order.__getitem__):
            if is_write(node):
                writes.append(node)
            elif node in by_first:
                self._call(by_first[node])
            elif node not in inside:
                self._value(node, laid_out=True)
        # When everything has been read.
        written = {target for one in self._lowered for target in one.part.written}
        for node in writes:
            target = node.args[0]
            if target in written:
                self._made[node] = self._made[target]
            else:
                self._value(node, laid_out=True)
        results = whole.output_node().args[0]
        assert isinstance(results, tuple | list)
        self._graph.output([self._result(one, number < self._visible) for number, one in enumerate(results)])
        attributes = [str(node.target) for node in self._graph.find_nodes(op="get_attr")]
        root = {**self._calls, **{name: getattr(self._whole, name) for name in attributes}}
        forward: Callable[..., Any] = GraphModule(root, self._graph).forward
        return forward

    def _call(self, one: Lowered) -> None:
        name = f"native_{len(self._calls)}"
        self._calls[name] = self._lowered[one]
        for source in one.part.inputs:
            self._value(source, laid_out=False)
        inputs = tuple(self._made[source] for source in one.part.inputs)
        call = self._graph.create_node("call_module", name, inputs)
        for number, node in enumerate(one.part.outputs):
            self._made[node] = self._graph.call_function(operator.getitem, (call, number))
            self._native.add(node)

    def _value(self, node: Node, *, laid_out: bool) -> Any:
        """Return what stands for a node, as native code left it or as the trace has it."""
        if node not in self._made:
            if node.op == "get_attr":
                self._made[node] = self._graph.node_copy(node)
            else:
                self._made[node] = self._graph.node_copy(node, lambda source: self._value(source, laid_out=True))
        if not laid_out or node not in self._native:
            return self._made[node]
        if node not in self._laid_out:
            order = _order(node)
            made = self._made[node]
            self._laid_out[node] = made if order is None else self._graph.call_function(lay_out, (made, order))
        return self._laid_out[node]

    def _result(self, one: Any, visible: bool) -> Any:
        return self._value(one, laid_out=visible) if isinstance(one, Node) else one


def _order(node: Node) -> tuple[int, ...] | None:
    """Return the dimensions of a tensor from the outermost in memory to the innermost; None: row-major."""
    value = node.meta["val"]
    if not isinstance(value, torch.Tensor):
        return None
    sizes, strides = ([_hint(one) for one in part] for part in (value.shape, value.stride()))
    dims = [dim for dim, size in enumerate(sizes) if size != 1]
    if any(strides[dim] in (0, None) for dim in dims):
        return None
    if [strides[dim] for dim in dims] == sorted((strides[dim] for dim in dims), key=lambda one: -(one or 0)):
        return None
    return tuple(sorted(range(value.dim()), key=lambda dim: -(strides[dim] or 0)))


def _hint(size: int | torch.SymInt) -> int | None:
    """Return a size as it was when the graph was traced: to ask a symbolic one for more would add a guard."""
    if not isinstance(size, torch.SymInt):
        return size
    return int(size.node.hint) if size.node.has_hint() else None


def lay_out(tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    """Return a tensor of the same elements whose memory is dense, with the dimensions in that order."""
    back = [order.index(dim) for dim in range(len(order))]
    return tensor.permute(order).contiguous().permute(back)
