"""Tensors that a trace has met outside of the graph's inputs, made inputs of the program."""

from __future__ import annotations

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, TensorArgument

from ..errors import GraphError
from .named_constants import memory_of


def lift_traced(
    traced: torch.fx.GraphModule, program: ExportedProgram, mode: FakeTensorMode
) -> tuple[list[InputSpec], dict[str, torch.Tensor]]:
    """Turn the tensors that `traced` holds as attributes into inputs; return the inputs' kinds, and the new constants.

    `traced` has the inputs of `program`, whose parameters and buffers stand for themselves: a custom function may read
    them past its arguments. The rest become constants, before the first input of the user's.
    """
    specs = list(program.graph_signature.input_specs)
    placeholders = [node for node in traced.graph.nodes if node.op == "placeholder"]
    held = {**program.constants, **program.state_dict}
    inputs = {
        memory_of(held[spec.target]): node
        for spec, node in zip(specs, placeholders, strict=True)
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER)
        and isinstance(held.get(spec.target or ""), torch.Tensor)
    }
    own = [number for number, spec in enumerate(specs) if spec.kind == InputKind.USER_INPUT]
    place = own[0] if own else len(specs)
    before = placeholders[place] if own else next(node for node in traced.graph.nodes if node not in placeholders)
    constants: dict[str, torch.Tensor] = {}
    for node in traced.graph.find_nodes(op="get_attr"):
        tensor = getattr(traced, str(node.target), None)
        if not isinstance(tensor, torch.Tensor):
            continue
        if isinstance(tensor, FakeTensor):
            raise GraphError("a tensor is used whose history the trace does not know, such as one kept from before")
        key = memory_of(tensor)
        if key not in inputs:
            name = f"c_traced_{len(constants)}"
            with traced.graph.inserting_before(before):
                inputs[key] = traced.graph.placeholder(name)
            inputs[key].meta["val"] = mode.from_tensor(tensor, static_shapes=True)
            target = f"{name}_of_{len(program.constants)}"
            constants[target] = tensor.detach()
            argument = TensorArgument(inputs[key].name)
            specs.insert(place + len(constants) - 1, InputSpec(InputKind.CONSTANT_TENSOR, argument, target))
        node.replace_all_uses_with(inputs[key])
        traced.graph.erase_node(node)
    return specs, constants
