"""In which order a graph runs in parts, native code and torch in turns, with as few turns as can be."""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

from torch.fx import Graph, Node

from .operations import is_computation, is_random, is_size, is_write
from .views import is_view_of_input


def levels(graph: Graph, left: Collection[Node]) -> dict[Node, int]:
    """Return the level of each node: what is at an even one is compiled, at an odd one run by torch.

    `left` are the nodes that are torch's. A node's level is no lower than that of any node that it reads, so that the
    levels one behind the other compute the graph; and it is the lowest such, so that as much as possible is compiled at
    once. Random operations keep their order. Sizes, and writes to inputs, are Python's: they have the level of what
    they read. A view of an input that one node reads has that node's level: native code of a lower one would copy it.
    """
    found: dict[Node, int] = {}
    last_random = 0
    for node in graph.nodes:
        low = max((found[source] for source in node.all_input_nodes), default=0)
        if not is_computation(node) or is_write(node):
            found[node] = low
            continue
        if is_random(node):
            low = max(low, last_random)
        turn = int(node in left)
        found[node] = low if low % 2 == turn else low + 1
        if is_random(node):
            last_random = found[node]
    for node in reversed(graph.nodes):
        if node not in left and len(node.users) == 1 and is_view_of_input(node):
            found[node] = found[next(iter(node.users))]
    return found


def native_parts(graph: Graph, left: Collection[Node]) -> list[list[Node]]:
    """Return the nodes of each part that is to be compiled, in order."""
    parts: dict[int, list[Node]] = {}
    for node, level in levels(graph, left).items():
        if is_native(node, level):
            parts.setdefault(level, []).append(node)
    return [parts[level] for level in sorted(parts)]


def is_native(node: Node, level: int) -> bool:
    """Tell whether a node of that level is part of native code."""
    if node.op != "call_function" or level % 2 or is_write(node) or is_size(node):
        return False
    # One result of several belongs to where they come from, which may be an input that is a tuple.
    return node.target is not operator.getitem or is_computation(_origin(node))


def _origin(node: Node) -> Node:
    current: Any = node
    while current.op == "call_function" and current.target is operator.getitem:
        current = current.args[0]
    return current  # type: ignore[no-any-return]
