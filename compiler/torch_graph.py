"""An exported torch graph, made ready for import: state lifted to arguments, trivial results resolved, sizes read.

Works on the graph of an ExportedProgram after decomposition, in place. What is left computes fresh tensors (and
numbers) from tensors; everything that needs no native code (results that are inputs, constants or sizes; checks of
shapes) moves into the `Signature`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, InputSpec, OutputKind, OutputSpec
from torch.utils import _pytree as pytree
from torch.utils._sympy.numbers import IntInfinity

from ..errors import GraphError
from .byte_arithmetic import widen_bytes
from .comparisons import compare_in_own_type
from .graph_cleanups import (
    drop_checks,
    drop_multiplies_by_one,
    fill_empty,
    lift_attributes,
    refuse_masks,
    refuse_random,
)
from .graph_errors import describe
from .mutations import write_natively
from .signature import (
    Argument,
    ConstantSpec,
    Kind,
    Mutation,
    Range,
    Relation,
    Result,
    ScalarSpec,
    Signature,
    Spec,
    SymbolicSize,
    TensorSpec,
)
from .symbolic_sizes import is_input_symbol, python_text, size_of
from .views import split_views

_KINDS: dict[InputKind, Kind] = {
    InputKind.PARAMETER: "parameter",
    InputKind.BUFFER: "buffer",
    InputKind.CONSTANT_TENSOR: "constant",
    InputKind.USER_INPUT: "input",
}
_MUTATIONS = (OutputKind.BUFFER_MUTATION, OutputKind.USER_INPUT_MUTATION, OutputKind.PARAMETER_MUTATION)
_HANDED_THROUGH = ("aten.to.", "aten.contiguous.", "aten.alias.", "aten.detach.", "aten.type_as.")


@dataclass(frozen=True)
class PreparedGraph:
    """A graph that is ready for import, its signature, and the tensors bound to its state arguments by name."""

    graph_module: torch.fx.GraphModule
    signature: Signature
    state: dict[str, torch.Tensor]
    overwrites: tuple[tuple[int, int], ...] = ()
    """Pairs of an argument of the graph and the result, one of the last, that overwrites it."""


def prepare(
    program: ExportedProgram, before: ExportedProgram, names: list[str] | None = None, *, exact_ranges: bool = False
) -> PreparedGraph:
    """Return the graph of `program` ready for import; it is changed in place.

    `before` is the program before decomposition, where in-place operations are still seen. `names` are the inputs'
    names; by default those of the graph's placeholders. `exact_ranges` takes a lower end of 2 at its word; torch.export
    writes it for hints too, where it means nothing. Raises `GraphError` for what cannot be compiled.
    """
    return _Preparation(program, before, names, exact_ranges).run()


class _Preparation:
    def __init__(self, program: ExportedProgram, before: ExportedProgram, names: list[str] | None, exact_ranges: bool):
        self.exact_ranges = exact_ranges
        self.program = program
        self.before = before
        self.module = program.graph_module
        self.graph = program.graph_module.graph
        self.names = names
        self.state: dict[str, torch.Tensor] = {}

    def run(self) -> PreparedGraph:
        relations = drop_checks(self.graph)
        # The graph itself comes first, behind it those of branches and of loops' bodies.
        graphs = [module.graph for module in self.module.modules() if isinstance(module, torch.fx.GraphModule)]
        for graph in graphs:
            refuse_random(graph)
            refuse_masks(graph)
            outputs = self.program.graph_signature.output_specs if graph is self.graph else ()
            drop_multiplies_by_one(graph, outputs)
            fill_empty(graph, outputs)
            widen_bytes(graph, outputs)
            compare_in_own_type(graph)
            split_views(graph)
        self.state.update(lift_attributes(self.program))
        inputs = self._inputs()
        arguments = [self._argument(node, spec) for node, spec in inputs]
        positions = {node: index for index, (node, _) in enumerate(inputs)}
        results = write_natively(*self._outputs(positions), self._may_write)
        self._set_outputs([*results.returned, *results.written])
        self.graph.eliminate_dead_code()
        written = {m.argument for m in results.mutations if m.result.kind == "written"}
        arguments = self._number_native_arguments(inputs, arguments, written)
        self.graph.lint()
        self.module.recompile()
        symbols = {str(s): self._range(r) for s, r in self.program.range_constraints.items() if is_input_symbol(s)}
        signature = Signature(
            arguments=tuple(arguments),
            results=results.results,
            native_results=tuple(self._result_spec(node) for node in results.returned),
            mutations=results.mutations,
            symbols=symbols,
            relations=(*relations, *self._guards(arguments)),
            in_spec=self.program.call_spec.in_spec,
            out_spec=self.before.call_spec.out_spec,
        )
        return PreparedGraph(self.module, signature, self.state, tuple(results.overwrites(arguments)))

    def _range(self, value_range: Any) -> Range:
        low, high = int(value_range.lower), value_range.upper
        if low == 2 and not self.exact_ranges:
            low = 0
        return Range(low, None if isinstance(high, IntInfinity) else int(high))

    # ---- arguments

    def _inputs(self) -> list[tuple[torch.fx.Node, InputSpec | str]]:
        """Return each placeholder with its specification, or with the name of the constant lifted into it."""
        placeholders = [node for node in self.graph.nodes if node.op == "placeholder"]
        specs: list[InputSpec | str] = list(self.program.graph_signature.input_specs)
        specs += [node.name for node in placeholders[len(specs) :]]
        return list(zip(placeholders, specs, strict=True))

    def _argument(self, node: torch.fx.Node, spec: InputSpec | str) -> Argument:
        if isinstance(spec, str):
            return Argument(spec, "constant", self._tensor_spec(node), None)
        if spec.kind not in _KINDS:
            raise GraphError(f"argument {node.name}: {spec.kind.name.lower()} arguments cannot be compiled")
        kind = _KINDS[spec.kind]
        if kind != "input":
            assert spec.target is not None
            self.state[spec.target] = self._state_tensor(spec)
            return Argument(spec.target, kind, self._tensor_spec(node), None)
        name = self._input_name(node)
        if isinstance(spec.arg, ConstantArgument):
            value: Any = spec.arg.value
            node.replace_all_uses_with(value)
            return Argument(name, kind, ConstantSpec(value), None)
        return Argument(name, kind, self._value_spec(node, name), None)

    def _input_name(self, node: torch.fx.Node) -> str:
        if self.names is None:
            return str(node.target)
        users = [s.arg.name for s in self.program.graph_signature.input_specs if s.kind == InputKind.USER_INPUT]
        return self.names[users.index(node.name)]

    def _state_tensor(self, spec: InputSpec) -> torch.Tensor:
        target = spec.target
        tensor = self.program.state_dict.get(target)
        if tensor is None:
            tensor = self.program.constants.get(target)
        if not isinstance(tensor, torch.Tensor):
            raise GraphError(f"{_KINDS[spec.kind]} {target}: expected a tensor, found {type(tensor).__name__}")
        return tensor

    def _value_spec(self, node: torch.fx.Node, name: str) -> Spec:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            return self._tensor_spec(node)
        if isinstance(value, torch.SymInt | int) and not isinstance(value, bool):
            size = size_of(value)
            return ScalarSpec("int", size=size if isinstance(size, SymbolicSize) else None)
        if isinstance(value, torch.SymFloat | float):
            return ScalarSpec("float")
        raise GraphError(f"argument {name}: a value of type {type(value).__name__} cannot be passed to native code")

    def _tensor_spec(self, node: torch.fx.Node) -> TensorSpec:
        value = node.meta["val"]
        return TensorSpec(dtype_name(value.dtype), tuple(size_of(size) for size in value.shape))

    def _result_spec(self, node: torch.fx.Node) -> TensorSpec | ScalarSpec:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor):
            return self._tensor_spec(node)
        if isinstance(value, torch.SymBool | bool):
            return ScalarSpec("bool", 1)
        return ScalarSpec("float" if isinstance(value, torch.SymFloat | float) else "int")

    def _number_native_arguments(
        self, inputs: list[tuple[torch.fx.Node, InputSpec | str]], arguments: list[Argument], written: set[int]
    ) -> list[Argument]:
        """Drop placeholders that nothing uses and native code does not overwrite, and number the rest."""
        numbered, position = [], 0
        for number, ((node, _), argument) in enumerate(zip(inputs, arguments, strict=True)):
            if node.users or number in written:
                numbered.append(Argument(argument.name, argument.kind, argument.spec, position))
                position += 1
            else:
                self.graph.erase_node(node)
                numbered.append(argument)
        return numbered

    # ---- results

    def _outputs(self, positions: dict[torch.fx.Node, int]) -> tuple[list[torch.fx.Node], list[Result], list[Mutation]]:
        """Return the nodes that native code must compute, where each result comes from, and the mutations."""
        native: dict[torch.fx.Node, int] = {}
        results: list[Result] = []
        mutations: list[Mutation] = []
        pairs = list(zip(self._output_nodes(), self.program.graph_signature.output_specs, strict=True))
        targets = {spec.arg.name: spec for _, spec in pairs if spec.kind in _MUTATIONS}
        originals = self._original_outputs()
        for node, spec in pairs:
            if spec.kind in _MUTATIONS:
                result = self._result(node, positions, native)
                mutations.append(Mutation(self._mutated(spec, positions), result))
            elif spec.kind != OutputKind.USER_OUTPUT:
                raise GraphError(f"result {node}: {spec.kind.name.lower()} results cannot be compiled")
            else:
                original = originals.pop(0) if originals else None
                mutation = targets.get(getattr(spec.arg, "name", ""))
                if mutation is not None and self._is_target(original, mutation):
                    results.append(Result("argument", self._mutated(mutation, positions)))
                else:
                    results.append(self._result(node, positions, native))
        return list(native), results, mutations

    def _may_write(self, argument: int, node: torch.fx.Node) -> bool:
        """Tell whether native code may overwrite argument number `argument` with `node`."""
        placeholders = [node for node in self.graph.nodes if node.op == "placeholder"]
        spec = self.program.graph_signature.input_specs[argument]
        same = self._result_spec(node) == self._tensor_spec(placeholders[argument])
        return same and spec.kind in (InputKind.USER_INPUT, InputKind.BUFFER)

    def _output_nodes(self) -> list[Any]:
        output = next(node for node in reversed(self.graph.nodes) if node.op == "output")
        return list(output.args[0])

    def _set_outputs(self, native: list[torch.fx.Node]) -> None:
        output = next(node for node in reversed(self.graph.nodes) if node.op == "output")
        output.args = (tuple(native),)

    def _result(self, node: Any, positions: dict[torch.fx.Node, int], native: dict[torch.fx.Node, int]) -> Result:
        if not isinstance(node, torch.fx.Node):
            return Result("constant", value=node)
        if node in positions:
            spec = self.program.graph_signature.input_specs[positions[node]]
            if isinstance(spec.arg, ConstantArgument):
                return Result("constant", value=spec.arg.value)
            return Result("argument", positions[node])
        value = node.meta.get("val")
        if isinstance(value, int | float | bool):
            return Result("constant", value=value)
        if isinstance(value, torch.SymInt | torch.SymFloat | torch.SymBool):
            expression = value.node.expr
            if all(is_input_symbol(symbol) for symbol in expression.free_symbols):
                return Result("size", size=SymbolicSize(python_text(expression)))
        elif not isinstance(value, torch.Tensor):
            raise GraphError(f"{describe(node)}: a result of type {type(value).__name__} cannot be compiled")
        return Result("native", native.setdefault(node, len(native)))

    def _mutated(self, spec: OutputSpec, positions: dict[torch.fx.Node, int]) -> int:
        """Return the number of the argument that an output specification overwrites."""
        for index, candidate in enumerate(self.program.graph_signature.input_specs):
            found = candidate.arg.name if spec.kind == OutputKind.USER_INPUT_MUTATION else candidate.target
            if found == spec.target:
                return index
        raise GraphError(f"the graph overwrites {spec.target}, which is none of its arguments")

    def _original_outputs(self) -> list[Any]:
        """Return the nodes that the program gave back before decomposition, in the order of the user's results."""
        output = next(node for node in reversed(self.before.graph.nodes) if node.op == "output")
        specs = self.before.graph_signature.output_specs
        return [node for node, spec in zip(output.args[0], specs, strict=True) if spec.kind == OutputKind.USER_OUTPUT]

    def _is_target(self, node: Any, mutation: OutputSpec) -> bool:
        """Tell whether `node`, of the program before decomposition, is the very tensor that `mutation` overwrites."""
        while isinstance(node, torch.fx.Node) and node.op == "call_function":
            schema = getattr(node.target, "_schema", None)
            aliases = schema.returns[0].alias_info if schema is not None and len(schema.returns) == 1 else None
            handed = str(node.target).startswith(_HANDED_THROUGH)
            if not handed and (aliases is None or not aliases.is_write):
                return False
            node = node.args[0] if node.args else None
        if not isinstance(node, torch.fx.Node):
            return False
        for spec in self.before.graph_signature.input_specs:
            if getattr(spec.arg, "name", None) == node.name:
                found = spec.arg.name if mutation.kind == OutputKind.USER_INPUT_MUTATION else spec.target
                return bool(found == mutation.target)
        return False

    def _guards(self, arguments: Iterable[Argument]) -> list[Relation]:
        """Return the conditions on the inputs' sizes that tracing relied on, in terms of `a<argument>_<dimension>`."""
        sources = self._sources()
        numbers = [index for index, argument in enumerate(arguments) if argument.kind == "input"]
        relations = []
        for guard in getattr(self.program, "_guards_code", None) or getattr(self.before, "_guards_code", []):
            condition, text = guard, guard
            # Longest first: L['x'] begins L['x'][0] too.
            for source, (position, name) in sorted(sources.items(), key=lambda item: -len(item[0])):
                text = text.replace(source, name)
                condition = condition.replace(source, f"a{numbers[position]}")
            condition = re.sub(r"\ba(\d+)\.size\(\)\[(\d+)\]", r"a\1_\2", condition)
            if "L[" in condition or "." in condition:
                continue
            relations.append(Relation(condition, ast.unparse(ast.parse(text, mode="eval"))))
        return relations

    def _sources(self) -> dict[str, tuple[int, str]]:
        """Return, by torch's name of each input in guards, its position among the inputs and its name."""
        signature = self.before.module_call_graph[0].signature
        names = getattr(signature, "forward_arg_names", None) if signature is not None else None
        users = [s.arg.name for s in self.program.graph_signature.input_specs if s.kind == InputKind.USER_INPUT]
        own = self.names if self.names is not None else users
        spec = self.program.call_spec.in_spec
        if spec is None:
            return {}
        args, kwargs = pytree.tree_unflatten(list(range(spec.num_leaves)), spec)
        combined = {**dict(zip(names or [], args, strict=False)), **kwargs}
        paths, _ = pytree.tree_flatten_with_path(combined)
        return {f"L{pytree.keystr(path)}": (leaf, own[leaf]) for path, leaf in paths}


def dtype_name(dtype: torch.dtype) -> str:
    """Return torch's name of a dtype without the module: `float32`."""
    return str(dtype).removeprefix("torch.")
