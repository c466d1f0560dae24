"""A part as an exported program, which is what the frontend takes."""

from __future__ import annotations

import inspect
import operator
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
from torch.fx import Node
from torch.utils import _pytree as pytree

from ..call_form import CallForm
from .operations import is_size
from .part import Part

_NOTHING = torch.nn.Parameter(torch.empty(0))


class _Anything(Verifier):
    """Lets every operation pass: the lowering refuses what it does not know, and says so better."""

    dialect = "SLIPSTICK"

    def allowed_op_types(self) -> tuple[type[Any], ...]:
        """Return the types of operations, every one's."""
        return (*super().allowed_op_types(), type(operator.add), type(is_size))

    def allowed_getattr_types(self) -> tuple[type[Any], ...]:
        """Return the types of attributes: tensors that were made while the graph was traced, e.g. `torch.tensor(1)`."""
        return (*super().allowed_getattr_types(), torch.Tensor)


def program_of(part: Part) -> tuple[ExportedProgram, CallForm]:
    """Return a part as an exported program, and the form of its calls: tensors, one behind the other.

    The tensors of its state come with each call: here stands one without elements for each. The part's graph is the
    program's, which has what it writes before what it returns.
    """
    graph = part.module.graph
    count = len(part.outputs)
    everything: Any = graph.output_node().args[0]
    results, sources = everything[:count], everything[count:]
    graph.output_node().args = ((*sources, *results),)
    called = len(part.inputs) - part.state
    in_spec = pytree.tree_structure(((0,) * called, {}))
    out_spec = pytree.tree_structure((0,) * count)
    call = ModuleCallSignature(inputs=[], outputs=[], in_spec=in_spec, out_spec=out_spec)
    outputs = [*_writes(part, sources), *(OutputSpec(OutputKind.USER_OUTPUT, _argument(one), None) for one in results)]
    state: dict[str, torch.Tensor | torch.nn.Parameter] = {one.name: _NOTHING for one in part.inputs[: part.state]}
    program = ExportedProgram(
        part.module,
        graph,
        ExportGraphSignature(_inputs(part), outputs),
        state,
        {},
        [ModuleCallEntry("", call)],
        constants={},
        verifiers=[_Anything],
    )
    positional = inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(f"input{number}", positional) for number in range(called)]
    names = [node.name for node in part.inputs[part.state :]]
    return program, CallForm(inspect.Signature(parameters), called, (), names)


def _inputs(part: Part) -> list[InputSpec]:
    """Return what the placeholders are; what is read only and of floats counts as a parameter, which may be packed."""
    specs = []
    placeholders = part.module.graph.find_nodes(op="placeholder")
    for number, (node, source) in enumerate(zip(placeholders, part.inputs, strict=True)):
        if number >= part.state:
            specs.append(InputSpec(InputKind.USER_INPUT, _argument(node), None))
        elif source not in part.written and node.meta["val"].is_floating_point():
            specs.append(InputSpec(InputKind.PARAMETER, _argument(node), source.name))
        else:
            specs.append(InputSpec(InputKind.BUFFER, _argument(node), source.name, persistent=True))
    return specs


def _writes(part: Part, sources: tuple[Node, ...]) -> list[OutputSpec]:
    placeholders = part.module.graph.find_nodes(op="placeholder")
    specs = []
    for node, source in zip(sources, part.written, strict=True):
        place = part.inputs.index(source)
        if place < part.state:
            specs.append(OutputSpec(OutputKind.BUFFER_MUTATION, _argument(node), source.name))
        else:
            specs.append(OutputSpec(OutputKind.USER_INPUT_MUTATION, _argument(node), placeholders[place].name))
    return specs


def _argument(node: Node) -> TensorArgument | SymIntArgument:
    is_tensor = isinstance(node.meta["val"], torch.Tensor)
    return TensorArgument(node.name) if is_tensor else SymIntArgument(node.name)
