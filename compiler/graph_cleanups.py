"""What is refused in an exported graph, and what is taken out of it or written in another way, before it is imported.

All works on the graph of a decomposed program, in place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputSpec

from ..errors import GraphError
from .graph_errors import describe
from .signature import Relation
from .symbolic_sizes import is_input_symbol, python_text

_ASSERTIONS = ("aten._assert_scalar.default", "aten._assert_tensor_metadata.default")
_RANGE_HINTS = ("aten.sym_constrain_range.default", "aten.sym_constrain_range_for_size.default")


def refuse_random(graph: torch.fx.Graph) -> None:
    """Raise `GraphError` for an operation whose result is another at each call."""
    for node in graph.nodes:
        tags = getattr(node.target, "tags", ())
        if node.op == "call_function" and torch.Tag.nondeterministic_seeded in tags:
            raise GraphError(
                f"{describe(node)}: random operations cannot be compiled; call .eval() on a module with dropout first, "
                "take random numbers as an input"
            )


def refuse_masks(graph: torch.fx.Graph) -> None:
    """Raise `GraphError` for a mask of booleans as an index, which brings torch-mlir down."""
    for node in graph.nodes:
        if node.op == "call_function" and str(node.target) == "aten.index.Tensor":
            indices = [index.meta.get("val") for index in node.args[1] if isinstance(index, torch.fx.Node)]
            if any(isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in indices):
                raise GraphError(
                    f"{describe(node)}: an index that is a mask cannot be compiled: the size of its result depends "
                    "on data"
                )


def drop_checks(graph: torch.fx.Graph) -> list[Relation]:
    """Take checks of sizes out of the graph; return those of the inputs' sizes, which are made before the call."""
    relations: list[Relation] = []
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        name = str(node.target)
        if name == _ASSERTIONS[0]:
            condition = node.args[0]
            value = condition.meta.get("val") if isinstance(condition, torch.fx.Node) else condition
            if isinstance(value, torch.SymBool):
                expression = value.node.expr
                if not all(is_input_symbol(symbol) for symbol in expression.free_symbols):
                    continue
                relations.append(Relation(python_text(expression), str(expression)))
        elif name != _ASSERTIONS[1] and name not in _RANGE_HINTS:
            continue
        graph.erase_node(node)
    return relations


def drop_multiplies_by_one(graph: torch.fx.Graph, outputs: Sequence[OutputSpec] = ()) -> None:
    """Undo what the decomposition of addmm leaves behind: `x * 1` of the same type is `x`.

    `outputs` are the specifications of the graph's results, where it has them.
    """
    for node in list(graph.nodes):
        if node.op == "call_function" and str(node.target) in ("aten.mul.Tensor", "aten.mul.Scalar"):
            operand, factor = node.args[:2]
            one = isinstance(factor, int | float) and not isinstance(factor, bool) and factor == 1
            if one and isinstance(operand, torch.fx.Node):
                before, after = operand.meta.get("val"), node.meta.get("val")
                if isinstance(before, torch.Tensor) and before.dtype == after.dtype:
                    _replace(graph, node, operand, outputs)


def fill_empty(graph: torch.fx.Graph, outputs: Sequence[OutputSpec] = ()) -> None:
    """Replace what computes a tensor without elements: torch-mlir drops such operands of a concatenation.

    `outputs` are the specifications of the graph's results, where it has them.
    """
    aten = torch.ops.aten
    for node in list(graph.nodes):
        value = node.meta.get("val")
        if node.op != "call_function" or not isinstance(value, torch.Tensor):
            continue
        shape = list(value.shape)
        if all(isinstance(size, int) for size in shape) and 0 in shape:
            # Of uint8 torch-mlir refuses constants, which it folds much to.
            is_byte = value.dtype == torch.uint8
            how, operands = (aten.empty.memory_format, (shape,)) if is_byte else (aten.full.default, (shape, 0))
            with graph.inserting_before(node):
                empty = graph.call_function(how, operands, {"dtype": value.dtype})
            empty.meta = dict(node.meta)
            _replace(graph, node, empty, outputs)


def _replace(graph: torch.fx.Graph, node: torch.fx.Node, by: torch.fx.Node, outputs: Sequence[OutputSpec]) -> None:
    node.replace_all_uses_with(by)
    graph.erase_node(node)
    for spec in outputs:
        if getattr(spec.arg, "name", None) == node.name:
            spec.arg.name = by.name


def lift_attributes(program: ExportedProgram) -> dict[str, torch.Tensor]:
    """Turn tensors that the graph holds as attributes into arguments: as constants they would be printed.

    Returns the tensors by the names of the arguments.
    """
    from torch_mlir.extras.fx_as_strided import rewrite_as_strided

    try:
        rewrite_as_strided(program.graph)
    except ValueError as error:
        raise GraphError(f"aten.as_strided: {error}") from error
    state: dict[str, torch.Tensor] = {}
    last = None
    for node in program.graph.nodes:
        if node.op == "placeholder":
            last = node
    for node in list(program.graph.nodes):
        if node.op != "get_attr":
            continue
        tensor = getattr(program.graph_module, str(node.target), None)
        if not isinstance(tensor, torch.Tensor):
            continue
        if last is None:
            last = next(iter(program.graph.nodes))
            where = program.graph.inserting_before(last)
        else:
            where = program.graph.inserting_after(last)
        with where:
            lifted = program.graph.placeholder(f"attribute_{str(node.target).replace('.', '_')}")
        lifted.meta["val"] = _described(program.graph, node.meta.get("val", tensor))
        state[lifted.name] = tensor
        _replace(program.graph, node, lifted, program.graph_signature.output_specs)
        last = lifted
    return state


def _described(graph: torch.fx.Graph, value: torch.Tensor) -> torch.Tensor:
    """Return a tensor without contents, which is what torch-mlir takes types from."""
    for node in graph.nodes:
        mode = getattr(node.meta.get("val"), "fake_mode", None)
        if mode is not None and getattr(value, "fake_mode", None) is None:
            described: torch.Tensor = mode.from_tensor(value, static_shapes=True)
            return described
    return value
