"""Results of a graph that are views: torch makes them, of what native code returns or of an input, without a copy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch.fx import Graph, Node

_ATEN = torch.ops.aten
_REORDER = frozenset({_ATEN.permute.default, _ATEN.transpose.int, _ATEN.t.default, _ATEN.expand.default})
"""Native code, whose results are row-major and of their own, would have to copy."""
_RESHAPE = frozenset(
    {_ATEN.view.default, _ATEN._unsafe_view.default, _ATEN.unsqueeze.default, _ATEN.squeeze.dim, _ATEN.squeeze.dims}
)
_OF_INPUTS = frozenset({_ATEN.slice.Tensor, _ATEN.select.int, _ATEN.alias.default, _ATEN.detach.default})
"""Views that torch makes of inputs alone: of a result of native code they would keep the whole."""


def separate_views(graph: Graph, written: Collection[Node]) -> frozenset[Node]:
    """Give each result that is a view a chain of views of its own; return the nodes of these chains.

    A chain begins at an input of the graph, or where the first dimensions change places: what comes before, a reshaping
    of a contiguous result, costs nothing in native code. Views of the inputs `written` stay as they are: they show
    what those held before.
    """
    output = graph.output_node()
    made: dict[Node, Node] = {}

    def copy_of(node: Node) -> Node:
        if node not in made:
            source = _source(node)
            inner = copy_of(source) if _is_chain(source, written) else source
            with graph.inserting_before(output):
                made[node] = graph.node_copy(node, lambda old: inner if old is source else old)
        return made[node]

    results = output.args[0]
    assert isinstance(results, tuple | list)
    output.args = (
        tuple(copy_of(one) if isinstance(one, Node) and _is_chain(one, written) else one for one in results),
    )
    graph.eliminate_dead_code()
    alive = set(graph.nodes)
    return frozenset(node for node in made.values() if node in alive)


def is_view_of_input(node: Node) -> bool:
    """Tell whether a node is a view of an input of the graph, through any number of other views."""
    current = node
    while current.op == "call_function" and current.target in _REORDER | _RESHAPE | _OF_INPUTS:
        current = _source(current)
    return current is not node and current.op == "placeholder"


def repeat_views_of_inputs(graph: Graph, left: Collection[Node]) -> None:
    """Give each reader of a view of an input a view of its own, made where it is read; `left` are torch's already."""
    for node in reversed(graph.nodes):
        if node in left or not is_view_of_input(node):
            continue
        for user in list(node.users)[1:]:
            with graph.inserting_before(user):
                user.replace_input_with(node, graph.node_copy(node))


def views_for_torch(graph: Graph, computed: Collection[Node]) -> set[Node]:
    """Return the views that nodes of `computed` alone read, which torch runs: native code would copy, e.g. weights."""
    found: set[Node] = set()
    for node in reversed(graph.nodes):
        is_view = node.op == "call_function" and node.target in _REORDER | _RESHAPE | _OF_INPUTS
        if is_view and node.users and all(user in computed or user in found for user in node.users):
            found.add(node)
    return found


def fold_permutes(graph: Graph) -> None:
    """Make one permutation of each that follows another, and none where they undo each other."""
    for node in graph.find_nodes(op="call_function", target=_ATEN.permute.default):
        source = _source(node)
        if source.op != "call_function" or source.target is not _ATEN.permute.default:
            continue
        inner: Any = source.args[1]
        outer: Any = node.args[1]
        order = [inner[dim] for dim in outer]
        rank = len(order)
        if [dim % rank for dim in order] == list(range(rank)):
            node.replace_all_uses_with(_source(source))
        else:
            node.args = (_source(source), order)
    graph.eliminate_dead_code()


def _is_chain(node: Node, written: Collection[Node]) -> bool:
    """Tell whether torch should make this result: it is a view of an input, or one that reorders dimensions."""
    path = []
    current = node
    while current.op == "call_function" and current.target in _REORDER | _RESHAPE | _OF_INPUTS:
        path.append(current.target)
        current = _source(current)
    if not path or current in written:
        return False
    return current.op == "placeholder" or (not _OF_INPUTS & set(path) and bool(_REORDER & set(path)))


def _source(node: Node) -> Node:
    source = node.args[0]
    assert isinstance(source, Node)
    return source
