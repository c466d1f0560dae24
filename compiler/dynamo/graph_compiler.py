"""Compiles the graphs that aot_autograd makes of one graph of dynamo."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch._guards import TracingContext
from torch.fx import Graph, GraphModule, Node

from ...errors import SlipstickError
from ...target import Target
from ..build import build
from ..parameter_marks import mark_parameters
from .assemble import assemble
from .levels import levels
from .lowering import Divider, Division, Lowered
from .native import NativePart
from .operations import is_computation, is_write, operation_name, written_by
from .options import TorchCompileOptions
from .report import GraphKind, GraphReport, PartReport, tell
from .views import fold_permutes, separate_views

LOG = logging.getLogger("slipstick")


class GraphCompiler:
    """Compiles the forward graph and, of a training step, the backward graph that belongs to it."""

    def __init__(self, options: TorchCompileOptions):
        self._options = options
        self._of_backward = options.of_backward()
        self._state: frozenset[str] = frozenset()
        """The names of the forward graph's inputs that are state; the backward graph calls them the same."""

    def inference(self, module: GraphModule, inputs: Sequence[Any]) -> Callable[[list[Any]], Any]:
        """Compile a graph that nothing is differentiated through."""
        return self._compile("inference", module, _lifted(module), len(_results(module)))

    def forward(self, module: GraphModule, inputs: Sequence[Any]) -> Callable[[list[Any]], Any]:
        """Compile a graph that also returns what the backward graph reads.

        What is trained changes with each step: native code packs it where it lies, at each call, in less time than it
        takes to pack it ahead for one call. (Weights of L-Mul and narrow ones are prepared ahead in any case.)
        """
        state = _lifted(module)
        metadata = _metadata()
        if metadata is not None and self._options.lmul is None and self._options.weights == "f32":
            nodes = module.graph.find_nodes(op="placeholder")
            trained = {node for node, info in zip(nodes, metadata.input_info, strict=False) if info.requires_grad}
            state -= trained
        self._state = frozenset(node.name for node in state)
        visible = len(_results(module)) if metadata is None else metadata.num_forward_returns
        return self._compile("forward", module, state, visible)

    def backward(self, module: GraphModule, inputs: Sequence[Any]) -> Callable[[list[Any]], Any]:
        """Compile the backward graph."""
        return self._compile("backward", module, _named(module, self._state), len(_results(module)))

    def _compile(
        self, kind: GraphKind, module: GraphModule, state: frozenset[Node], visible: int
    ) -> Callable[[list[Any]], Any]:
        graph = module.graph
        fold_permutes(graph)
        _name_divisions(graph)
        written = [written_by(node)[0] for node in graph.nodes if node.op == "call_function" and is_write(node)]
        views = separate_views(graph, written)
        divider = Divider(module, state, views)
        while True:
            division = divider.divide()
            if self._options.dry_run:
                calls = {}
                break
            try:
                calls = {one: self._build(one, kind) for one in division.lowered}
                break
            except _Refused as refused:
                divider.refuse(refused.nodes, refused.reason)
        tell(division.fallbacks, allowed=self._options.fallback)
        report = _report(kind, module, division)
        LOG.info("%s", report)
        if self._options.observer is not None:
            self._options.observer(report)
        if self._options.dry_run:
            return boxed(torch.fx.Interpreter(module).run)
        return boxed(assemble(module, calls, division.left, visible))

    def _build(self, one: Lowered, kind: GraphKind) -> NativePart:
        options = (self._of_backward if kind == "backward" else self._options).compile_options()
        target = Target.resolve(options.target)
        imported = one.imported
        try:
            mark_parameters(imported.module.operation, imported.signature)
            text = str(imported.module)
            built = build(text, options, target)
        except SlipstickError as error:
            reason = str(error).split("\n")[0]
            raise _Refused([node for node in one.nodes if is_computation(node)], reason) from None
        names = [node.name for node in one.part.inputs[: one.part.state]]
        return NativePart(imported, built, options, target, text, names)


def _name_divisions(graph: Graph) -> None:
    """Give divisions their plain name: torch makes others of Python's floats that are inputs (`dynamic=True`)."""
    for node in graph.find_nodes(op="call_function", target=torch.ops.aten.true_divide.Tensor):
        node.target = torch.ops.aten.div.Tensor


class _Refused(Exception):
    """A part that lowers to linalg, but not to code."""

    def __init__(self, nodes: Sequence[Node], reason: str):
        super().__init__(reason)
        self.nodes, self.reason = nodes, reason


def boxed(run: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """Return `run` in aot_autograd's form: it takes a list, which it empties."""

    def call(arguments: list[Any]) -> Any:
        given = tuple(arguments)
        arguments.clear()
        return run(*given)

    call._boxed_call = True  # type: ignore[attr-defined]
    return call


def _metadata() -> Any:
    """Return what aot_autograd knows of the graph that is being compiled, None outside of it."""
    context = TracingContext.try_get()
    return context.fw_metadata if context is not None else None


def _lifted(module: GraphModule) -> frozenset[Node]:
    """Return the placeholders that dynamo lifted parameters and buffers into."""
    metadata = _metadata()
    numbers = set(metadata.static_input_indices or ()) if metadata is not None else set()
    nodes = module.graph.find_nodes(op="placeholder")
    found = [node for number, node in enumerate(nodes) if number in numbers]
    return frozenset(node for node in found if isinstance(node.meta.get("val"), torch.Tensor))


def _named(module: GraphModule, names: frozenset[str]) -> frozenset[Node]:
    return frozenset(node for node in module.graph.find_nodes(op="placeholder") if node.name in names)


def _results(module: GraphModule) -> Sequence[Any]:
    results = module.graph.output_node().args[0]
    assert isinstance(results, tuple | list)
    return results


def _report(kind: GraphKind, module: GraphModule, division: Division) -> GraphReport:
    order = levels(module.graph, division.left)
    native = {node for one in division.lowered for node in one.nodes}
    parts: dict[int, list[str]] = {}
    for node in module.graph.nodes:
        if is_computation(node) and not is_write(node):
            parts.setdefault(order[node], []).append(operation_name(node))
    inside = {order[node] for node in native}
    found = tuple(PartReport(level in inside, tuple(parts[level])) for level in sorted(parts))
    return GraphReport(kind, found, division.fallbacks, division.random)
