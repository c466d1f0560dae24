"""Parameters that a module reads past their names, as constants of an exported program, under their names again.

A module may hold a parameter in a list or dictionary of Python beside where it is registered. torch.export takes what
is read from there for a constant: it would have no gradient, and not be exchanged with the parameter.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind


def name_constants(program: ExportedProgram, module: torch.nn.Module) -> None:
    """Let the operations of `program`, exported from `module`, read parameters and buffers where their constants are.

    The constants stay among the program's inputs, without a use.
    """
    tensors: dict[str, torch.Tensor] = dict(module.named_parameters(remove_duplicate=False))
    tensors |= module.named_buffers(remove_duplicate=False)
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    named: dict[tuple[Any, ...], torch.fx.Node] = {}
    constants: list[tuple[torch.fx.Node, torch.Tensor]] = []
    for spec in program.graph_signature.input_specs:
        if spec.target is None or spec.arg.name not in nodes:
            continue
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER) and spec.target in tensors:
            named.setdefault(memory_of(tensors[spec.target]), nodes[spec.arg.name])
        elif spec.kind == InputKind.CONSTANT_TENSOR and isinstance(program.constants.get(spec.target), torch.Tensor):
            constants.append((nodes[spec.arg.name], program.constants[spec.target]))
    for node, tensor in constants:
        own = named.get(memory_of(tensor))
        if own is not None:
            node.replace_all_uses_with(own)


def memory_of(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Return what is the same of two tensors that are one."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or not tensor.numel():
        return (id(tensor),)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride()
