"""A part of a graph as a graph of its own, and as a program that the frontend takes."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._export.verifier import Verifier
from torch.export import ExportedProgram
from torch.export.exported_program import ModuleCallEntry, ModuleCallSignature
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    SymIntArgument,
    TensorArgument,
)
from torch.fx import Graph, GraphModule, Node
from torch.utils import _pytree as pytree

from ..call_form import CallForm
from .operations import is_size


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
    written = tuple(write.args[0] for write in writes)
    for node in written:
        builder.value(node)
    sources: list[Any] = [builder.value(write.args[1]) for write in writes]
    builder.graph.output((*(builder.value(node) for node in outputs), *sources))
    inputs, count = builder.sort_inputs()
    module = GraphModule(whole, builder.graph)
    return Part(module, inputs, count, outputs, written)  # type: ignore[arg-type]


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


_NOTHING = torch.nn.Parameter(torch.empty(0))


class _Anything(Verifier):
    """Lets every operation pass: the lowering refuses what it does not know, and says so better."""

    dialect = "SLIPSTICK"

    def allowed_op_types(self) -> tuple[type[Any], ...]:
        """Return the types of operations, every one's."""
        return (*super().allowed_op_types(), type(operator.add), type(is_size))

    def allowed_builtin_ops(self) -> list[Any]:
        """Return the functions of Python that a graph may call."""
        return [*super().allowed_builtin_ops(), operator.getitem]


def program_of(part: Part) -> tuple[ExportedProgram, CallForm]:
    """Return a part as an exported program, and the form of its calls: tensors, one behind the other.

    The tensors of its state come with each call: here stands one without elements for each.
    """
    graph = part.module.graph
    placeholders = [node for node in graph.nodes if node.op == "placeholder"]
    results = graph.output_node().args[0]
    assert isinstance(results, tuple)
    count = len(part.outputs)
    written = {node.name: place for node, place in zip(part.written, results[count:], strict=True)}
    inputs, state = [], {}
    for number, (node, source) in enumerate(zip(placeholders, part.inputs, strict=True)):
        tensor = isinstance(node.meta["val"], torch.Tensor)
        argument = TensorArgument(node.name) if tensor else SymIntArgument(node.name)
        if number >= part.state:
            inputs.append(InputSpec(InputKind.USER_INPUT, argument, None))
            continue
        parameter = source.name not in written and node.meta["val"].is_floating_point()
        kind = InputKind.PARAMETER if parameter else InputKind.BUFFER
        inputs.append(InputSpec(kind, argument, source.name, None if parameter else True))
        state[source.name] = _NOTHING
    outputs = []
    for node, source in zip(results[count:], part.written, strict=True):
        place = part.inputs.index(source)
        kind = OutputKind.BUFFER_MUTATION if place < part.state else OutputKind.USER_INPUT_MUTATION
        name = source.name if place < part.state else placeholders[place].name
        outputs.append(OutputSpec(kind, TensorArgument(node.name), name))
    for node in results[:count]:
        tensor = isinstance(node.meta["val"], torch.Tensor)
        argument = TensorArgument(node.name) if tensor else SymIntArgument(node.name)
        outputs.append(OutputSpec(OutputKind.USER_OUTPUT, argument, None))
    graph.output_node().args = ((*results[count:], *results[:count]),)
    called = len(part.inputs) - part.state
    in_spec = pytree.tree_structure(((0,) * called, {}))
    out_spec = pytree.tree_structure((0,) * count)
    call = ModuleCallSignature(inputs=[], outputs=[], in_spec=in_spec, out_spec=out_spec)
    program = ExportedProgram(
        part.module,
        graph,
        ExportGraphSignature(inputs, outputs),
        state,
        {},
        [ModuleCallEntry("", call)],
        constants={},
        verifiers=[_Anything],
    )
    names = [node.name for node in part.inputs[part.state :]]
    kind = inspect.Parameter.POSITIONAL_ONLY
    signature = inspect.Signature([inspect.Parameter(f"input{number}", kind) for number in range(called)])
    return program, CallForm(signature, called, (), names)
