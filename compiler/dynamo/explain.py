"""A dry run: what `torch.compile` with the backend slipstick would make of a module."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.fx import GraphModule
from torch.utils import _pytree as pytree

from .backend import compile_graph
from .options import TorchCompileOptions
from .report import FallbackWarning, GraphReport


@dataclass(frozen=True)
class Explanation:
    """The graphs that dynamo captures, in order, and why it ended one and began another."""

    graphs: tuple[GraphReport, ...]
    breaks: tuple[str, ...]
    """The reason of each graph break, with the line of source."""

    def __str__(self) -> str:
        head = ("graph", "kind", "operations", "compiled", "native parts", "torch")
        rows = [
            (number, one.kind, one.operations, one.compiled, one.native_parts, len(one.fallbacks) + len(one.random))
            for number, one in enumerate(self.graphs)
        ]
        table = [head, *(tuple(map(str, row)) for row in rows)]
        widths = [max(len(row[column]) for row in table) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        left = dict.fromkeys(str(one) for graph in self.graphs for one in (*graph.fallbacks, *graph.random))
        for title, entries in (("graph breaks", self.breaks), ("left to torch", tuple(left))):
            if entries:
                lines += [f"{title}:", *(f"  {entry}" for entry in entries)]
        return "\n".join(line.rstrip() for line in lines)


def explain(
    module: Callable[..., Any],
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    training: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Explanation:
    """Return what `torch.compile(module, backend="slipstick", options=options)` would compile for these inputs.

    The graphs are captured, taken apart and lowered to linalg, so that what is said to compile does; no code is made,
    and torch runs them once. `training` differentiates the sum of the results, whose gradients go nowhere. `print` it
    for a table. Raises what the module raises, and `ArgumentError` for options that cannot be meant.
    """
    reports: list[GraphReport] = []
    breaks: list[str] = []
    chosen = replace(TorchCompileOptions.of(options), dry_run=True, fallback=True, observer=reports.append)

    def dry(graph: GraphModule, inputs: Any) -> Callable[..., Any]:
        reason = getattr(graph, "compile_subgraph_reason", None)
        if reason is not None and reason.graph_break:
            where = f" ({reason.user_stack[-1].filename}:{reason.user_stack[-1].lineno})" if reason.user_stack else ""
            breaks.append(str(reason.reason).split("\n")[0] + where)
        return compile_graph(graph, inputs, chosen)

    run = torch.compile(module, backend=dry)
    with warnings.catch_warnings(), torch.set_grad_enabled(training):
        warnings.simplefilter("ignore", FallbackWarning)
        results = run(*args, **(kwargs or {}))
        if training:
            _differentiate(module, results)
    return Explanation(tuple(reports), tuple(breaks))


def _differentiate(module: Any, results: Any) -> None:
    leaves = [leaf for leaf in pytree.tree_leaves(results) if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
    parameters = [one for one in getattr(module, "parameters", list)() if one.requires_grad]
    if leaves and parameters:
        torch.autograd.grad([leaf.sum() for leaf in leaves], parameters, allow_unused=True)
