"""Finds out what of a graph can be compiled: parts are lowered to linalg; what is refused is left to torch."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch.fx import GraphModule, Node

from ...errors import GraphError, SlipstickError
from ..frontend import Imported, import_program
from ..graph_errors import source_of
from .levels import native_parts
from .operations import is_computation, is_random, is_write, operation_name, refusal, written_by
from .part import Part, cut
from .program import program_of
from .report import Fallback
from .views import repeat_views_of_inputs, views_for_torch

LOG = logging.getLogger("slipstick")


@dataclass(frozen=True, eq=False)
class Lowered:
    """A part and its module at the stage "linalg"."""

    part: Part
    nodes: tuple[Node, ...]
    imported: Imported


@dataclass(frozen=True)
class Division:
    """A graph divided into what is compiled and what torch runs."""

    lowered: tuple[Lowered, ...]
    left: frozenset[Node]
    """What torch runs."""
    fallbacks: tuple[Fallback, ...]
    random: tuple[Fallback, ...]


class Divider:
    """Divides a graph; `views` are nodes that torch runs in any case, `state` the placeholders that are state."""

    def __init__(self, whole: GraphModule, state: Collection[Node], views: Collection[Node]):
        self._whole, self._state = whole, state
        self._refused: dict[Node, str] = {}
        self._left = set(views)
        self._computed: set[Node] = set()
        """What torch runs and is no view."""
        self._random: list[Node] = []
        for node in whole.graph.nodes:
            if not is_computation(node) or is_write(node) or node in self._left:
                continue
            if is_random(node):
                self._random.append(node)
                self._leave([node])
            elif reason := refusal(node):
                self.refuse([node], reason)

    def refuse(self, nodes: Sequence[Node], reason: str) -> None:
        """Leave nodes to torch."""
        self._refused.update(dict.fromkeys(nodes, reason))
        self._leave(nodes)

    def _leave(self, nodes: Sequence[Node]) -> None:
        self._computed.update(nodes)
        self._left.update(nodes)

    def divide(self) -> Division:
        """Return the largest division whose parts all lower; every failure takes out at least one node."""
        done: dict[tuple[Node, ...], Lowered] = {}
        while True:
            if self._computed:
                repeat_views_of_inputs(self._whole.graph, self._left)
                self._left |= views_for_torch(self._whole.graph, self._computed)
            parts = [nodes for nodes in native_parts(self._whole.graph, self._left) if _is_worth_it(nodes)]
            try:
                for nodes in parts:
                    if tuple(nodes) not in done:
                        done[tuple(nodes)] = self._lower(nodes)
                lowered = tuple(done[tuple(nodes)] for nodes in parts)
                break
            except _Refused:
                continue
        fallbacks = tuple(_fallback(node, reason) for node, reason in self._refused.items())
        random = tuple(_fallback(node, "a random operation") for node in self._random)
        return Division(lowered, frozenset(self._left), fallbacks, random)

    def _lower(self, nodes: Sequence[Node]) -> Lowered:
        """Lower a part; where that is refused, leave what is refused to torch and raise `_Refused`."""
        try:
            return self._try(nodes)
        except SlipstickError as error:
            LOG.info("a part of %d operations is refused: %s", len(nodes), error)
            operation = getattr(error, "operation", "")
            computing = [node for node in nodes if is_computation(node)]
            named = [node for node in nodes if operation and operation_name(node).removesuffix(".default") == operation]
            alone = {} if named else {node: self._refusal_alone(nodes, node) for node in computing}
            culprits = {node: reason for node, reason in alone.items() if reason}
            for node in culprits or named or computing:
                self.refuse([node], culprits.get(node) or _reason(error))
            raise _Refused from None

    def _refusal_alone(self, nodes: Sequence[Node], node: Node) -> str:
        """Return why a node of a part is refused as a part of its own, "" where it is not."""
        taken = [other for other in nodes if not is_computation(other) and node in other.all_input_nodes]
        try:
            self._try([node, *taken])
        except SlipstickError as error:
            return _reason(error)
        return ""

    def _try(self, nodes: Sequence[Node]) -> Lowered:
        part = cut(self._whole, nodes, self._state, self._writes(nodes))
        program, form = program_of(part)
        return Lowered(part, tuple(nodes), import_program(program, form, decomposed=True))

    def _writes(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the writes to inputs that native code may do: nothing else reads what was there before."""
        inside = set(nodes)
        found = []
        for write in self._whole.graph.nodes:
            if write.op != "call_function" or not is_write(write) or write.args[1] not in inside:
                continue
            target, source = written_by(write)
            before, after = target.meta["val"], source.meta["val"]
            # By their texts: to compare symbolic sizes may add a guard.
            same = before.dtype == after.dtype and list(map(str, before.shape)) == list(map(str, after.shape))
            if same and all(user is write or user in inside for user in target.users):
                found.append(write)
        return found


class _Refused(Exception):
    """The division must be made anew."""


def _is_worth_it(nodes: Sequence[Node]) -> bool:
    return any(is_computation(node) for node in nodes)


def _fallback(node: Node, reason: str) -> Fallback:
    return Fallback(operation_name(node), source_of(node.meta.get("stack_trace")), reason)


def _reason(error: SlipstickError) -> str:
    """Return an error's first line, without the operation that it begins with: that is named beside it."""
    line = str(error).split("\n")[0]
    if (said := re.search(r"torch-mlir cannot .*", line)) is not None:
        return said.group()
    if isinstance(error, GraphError) and error.operation and ": " in line:
        line = line.rsplit(": ", 1)[1]
    return line
