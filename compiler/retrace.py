"""An exported program traced again through another way of running its graph, such as one that computes gradients."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._guards import detect_fake_mode
from torch.export import ExportedProgram
from torch.export.graph_signature import ExportGraphSignature, InputSpec, OutputKind, OutputSpec, TensorArgument
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from .traced_tensors import lift_traced

Run = Callable[[Sequence[Any]], Sequence[Any]]
"""From the values of the graph's placeholders to its results."""


def retrace(
    program: ExportedProgram,
    run: Run,
    results: Callable[[], Any] | None = None,
    *,
    composite: bool = True,
    table: Mapping[Any, Any] | None = None,
) -> ExportedProgram:
    """Return the program of what `run` does with the values of `program`'s placeholders, which stay as they are.

    `run` is called once, with fake tensors that record what is done with them. `results`, called afterwards, returns a
    tree with a leaf for each of its results; `None`: they are those of `program`, one for one. `composite` keeps
    composite operations such as attention whole; then nothing can be differentiated. `table` says what operations are
    taken apart into. `program` is left alone.
    """
    nodes = [node for node in program.graph.nodes if node.op == "placeholder"]
    values = [node.meta.get("val") for node in nodes]
    mode = detect_fake_mode(values)
    assert mode is not None, "an exported program's placeholders have fake values"

    def flat(*arguments: Any) -> list[Any]:
        return list(run(arguments))

    with mode:
        traced = make_fx(flat, decomposition_table=dict(table or {}), pre_dispatch=composite)(*values)
    for node in traced.graph.nodes:
        if node.op != "placeholder" and any(node.name == old.name for old in nodes):
            node._rename(f"{node.name}_again")
    placeholders = [node for node in traced.graph.nodes if node.op == "placeholder"]
    for new, old in zip(placeholders, nodes, strict=True):
        new.name = old.name  # not `_rename`, which changes names that Python knows, such as `input`
        new.target = old.target
        new.meta.update(old.meta)
    traced.graph.eliminate_dead_code()
    for node in traced.graph.nodes:
        if node.target is operator.getitem and "val" not in node.meta:
            node.meta["val"] = node.args[0].meta["val"][node.args[1]]
    inputs, constants = lift_traced(traced, program, mode)
    traced.recompile()
    call = copy.copy(program.module_call_graph[0].signature)
    assert call is not None
    # By name, and names do not outlive a decomposition; the graph's signature tells the results.
    call.outputs = []
    if results is not None:
        call.out_spec = pytree.tree_structure(results())
    before, program.module_call_graph[0].signature = program.module_call_graph[0].signature, call
    try:
        signature = _signature(program, traced, inputs, keep=results is None)
        again = program._update(traced, signature, constants={**program.constants, **constants})
    finally:
        program.module_call_graph[0].signature = before
    return again


def _signature(
    program: ExportedProgram, traced: torch.fx.GraphModule, inputs: list[InputSpec], *, keep: bool
) -> ExportGraphSignature:
    """Return the signature of `traced`, whose results are those of `program` or, unless `keep`, all the caller's."""
    output = next(node for node in reversed(traced.graph.nodes) if node.op == "output")
    before = program.graph_signature
    specs = []
    for number, node in enumerate(output.args[0]):
        old = before.output_specs[number] if keep else OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(""), None)
        argument = TensorArgument(node.name) if isinstance(node, torch.fx.Node) else old.arg
        specs.append(OutputSpec(old.kind, argument, old.target))
    return ExportGraphSignature(input_specs=inputs, output_specs=specs)
