"""From what a user has - an nn.Module, an ExportedProgram, MLIR - to a module at its stage, and its signature.

    nn.Module -> torch.export -> decompositions -> PreparedGraph -> torch-mlir -> linalg on tensors

Parameters, buffers (also non-persistent ones) and constants become arguments of the function `main`; no tensor's
contents are in the IR.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..bindings import ir, new_context, passmanager
from ..errors import ArgumentError
from ..passes.overwrites import mark_overwrites
from ..passes.prepare_entry import find_entry
from ..passes.set_stage import STAGE_ATTRIBUTE
from .index_copy import INDEX_COPY, keep_index_copies, lower_index_copies
from .quiet_torch import quiet_torch
from .signature import Signature

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

    from .call_form import CallForm
    from .own_backwards import AppliedFunction
    from .torch_graph import PreparedGraph

_LOWERINGS = (
    "builtin.module(func.func(torch-match-quantized-custom-ops),"
    # Kept whole for the direct lowerings: decomposed to view, two dynamic sizes in a row are taken for one.
    "torchdynamo-export-to-torch-backend-pipeline{backend-legal-ops=aten.flatten.using_ints,aten.unflatten.int})",
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline{allow-non-finites=true})",
)
_CHECK = "torch-verify-linalg-on-tensors-backend-contract"
"""The last pass of the last of them."""

# torch.export patches global state while it traces.
_EXPORT = threading.RLock()


@dataclass(frozen=True)
class Imported:
    """A module at the stage where it enters, its signature, and the tensors of its state by argument name."""

    module: ir.Module
    signature: Signature
    state: Mapping[str, torch.Tensor] = field(default_factory=dict)
    call: Any = None
    """How calls are brought to the exported form (`CallForm`); `None` for MLIR."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds of "export" and "import"."""


def import_torch(
    obj: torch.nn.Module | ExportedProgram,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    dynamic_shapes: Any = None,
) -> Imported:
    """Bring a torch module, a training step of one or an exported program to the stage "linalg".

    `args` and `kwargs` are example inputs; `dynamic_shapes` is that of `torch.export.export`. All must be left out
    for an ExportedProgram, which has them inside. Raises `GraphError` where torch.export or torch-mlir refuses,
    naming the operation and its torch source line; `ArgumentError` for arguments that cannot be meant.
    """
    from .training import LossAndGradients, import_training_step

    if isinstance(obj, LossAndGradients):
        return import_training_step(obj, args, kwargs, dynamic_shapes)
    start = time.perf_counter()
    program, form = _program(obj, args, kwargs, dynamic_shapes)
    return import_program(program, form, exact_ranges=_only_named_dims(dynamic_shapes), start=start)


def torch_text(module: torch.nn.Module, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> str:
    """Return a torch module, or a training step of one, as MLIR in the dialect of torch, before it becomes linalg.

    Raises GraphError as `import_torch` does.
    """
    program, form = _program(module, args, kwargs, None)
    return str(_in_torch_dialect(_prepared(program, form, exact_ranges=False).graph_module))


def _program(
    obj: torch.nn.Module | ExportedProgram, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any
) -> tuple[ExportedProgram, CallForm]:
    """Return the program, exported if need be, and how calls are brought to its form."""
    from torch.export import ExportedProgram

    from .call_form import CallForm
    from .training import LossAndGradients, step_program

    if isinstance(obj, LossAndGradients):
        return step_program(obj, args, kwargs, dynamic_shapes)
    if isinstance(obj, ExportedProgram):
        if args or kwargs or dynamic_shapes is not None:
            raise ArgumentError(
                "args, kwargs, dynamic_shapes: an ExportedProgram has its own; expected none, found some"
            )
        return obj, CallForm.of_program(obj)
    return export_module(obj, args, dict(kwargs or {}), dynamic_shapes)


def export_module(
    module: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    dynamic_shapes: Any,
    calls: list[AppliedFunction] | None = None,
) -> tuple[ExportedProgram, CallForm]:
    """Return the program that torch.export makes of a module, and how calls are brought to its form.

    With `calls`, the program says all that its gradients depend on: regions without gradients, and custom functions as
    operations, whose calls are added to `calls`.
    """
    from torch.utils import _pytree as pytree

    from .call_form import CallForm

    form = CallForm.of_module(module, args, kwargs)
    for name, leaf in zip(form.names, pytree.tree_leaves((args, kwargs)), strict=True):
        if type(leaf).__module__ == "numpy":
            raise ArgumentError(
                f"{name}: expected a tensor, found {type(leaf).__name__} of NumPy: torch.as_tensor(...)"
            )
    return _export(module, args, kwargs, dynamic_shapes, calls), form


def import_program(
    program: ExportedProgram,
    form: CallForm,
    *,
    exact_ranges: bool = False,
    decomposed: bool = False,
    start: float | None = None,
) -> Imported:
    """Bring an exported program to the stage "linalg"; `start` is when work on it began, by `time.perf_counter`.

    `decomposed` says that its operations have been taken apart already; then it is changed in place.
    """
    start = time.perf_counter() if start is None else start
    graph = _prepared(program, form, exact_ranges=exact_ranges, decomposed=decomposed)
    exported = time.perf_counter()
    module = lower_graph(graph.graph_module, graph.overwrites)
    module.operation.attributes[STAGE_ATTRIBUTE] = ir.StringAttr.get("linalg", module.context)
    timings = {"export": exported - start, "import": time.perf_counter() - exported}
    return Imported(module, graph.signature, graph.state, form, timings)


def _prepared(
    program: ExportedProgram, form: CallForm, *, exact_ranges: bool, decomposed: bool = False
) -> PreparedGraph:
    """Return the graph of a program, ready for import."""
    from .torch_graph import prepare

    with _EXPORT, quiet_torch():
        simple = program if decomposed else _decompose(program)
        return prepare(simple, program, form.names, exact_ranges=exact_ranges)


def _only_named_dims(dynamic_shapes: Any) -> bool:
    """Tell whether every dynamic dimension is a `Dim` with a range of its own, none a hint such as `Dim.AUTO`."""
    if dynamic_shapes is None:
        return False
    from torch.export.dynamic_shapes import _DimHint

    if isinstance(dynamic_shapes, Mapping):
        return all(_only_named_dims(item) for item in dynamic_shapes.values() if item is not None)
    if isinstance(dynamic_shapes, tuple | list):
        return all(_only_named_dims(item) for item in dynamic_shapes if item is not None)
    return not isinstance(dynamic_shapes, _DimHint)


def _export(
    module: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    shapes: Any,
    calls: list[AppliedFunction] | None,
) -> ExportedProgram:
    import torch

    from .complex_pairs import without_complex
    from .data_reads import DataReads
    from .experts import static_experts
    from .gradient_watch import watched_gradients
    from .graph_errors import export_error
    from .inference_tensors import leave_inference_mode
    from .linear_solve import without_solves
    from .named_constants import name_constants
    from .own_backwards import kept_functions
    from .sparse_tensors import DenseStandIns
    from .traceable_adapters import traceable_adapters

    with ExitStack() as stack:
        for context in (_EXPORT, quiet_torch(), torch.set_grad_enabled(calls is not None)):
            stack.enter_context(context)
        for adaptation in (static_experts(), traceable_adapters()):
            stack.enter_context(adaptation)
        _register_caches()
        leave_inference_mode(module)
        args, kwargs = _distinct(args, kwargs)
        if calls is not None:
            stack.enter_context(kept_functions(calls))
            stack.enter_context(watched_gradients())
        try:
            with DataReads(), DenseStandIns():
                program: ExportedProgram = torch.export.export(module, args, kwargs, dynamic_shapes=shapes)
            _plain_constants(program)
            name_constants(program, module)
            return without_solves(without_complex(program))
        except Exception as error:
            raise export_error(error) from error


def _plain_constants(program: ExportedProgram) -> None:
    """Use constants without the operations that trace their creation.

    `torch.tensor(...)` inside a forward, such as the empty tensor that transformers' caches begin with, is traced as
    `detach_(lift_fresh_copy(constant))`. Nor do tensors of shape [0] mean anything in a concatenation.
    """
    import torch

    for region in program.graph_module.modules():
        if isinstance(region, torch.fx.GraphModule):
            _plain_constants_of(region.graph)


def _plain_constants_of(graph: torch.fx.Graph) -> None:
    import torch

    for node in graph.nodes:
        for operand in node.all_input_nodes:
            # Torch forgets the user where it puts a part without gradients back into the graph around it.
            operand.users.setdefault(node)
    constants = set(graph.find_nodes(op="call_function", target=torch.ops.aten.lift_fresh_copy.default))
    for node in list(graph.nodes):
        if node in constants:
            node.target = torch.ops.aten.clone.default
        elif node.target is torch.ops.aten.detach_.default and node.args[0] in constants:
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif node.target is torch.ops.aten.detach_.default:
            # It says that there is no gradient; whoever reads the tensor afterwards reads this node.
            node.target = torch.ops.aten.detach.default
        elif node.target is torch.ops.aten.cat.default:
            operands: Any = node.args[0]
            kept = [operand for operand in operands if list(operand.meta["val"].shape) != [0]]
            if kept and len(kept) < len(operands):
                node.args = (kept, *node.args[1:])
    graph.eliminate_dead_code()


def _decompose(program: ExportedProgram) -> ExportedProgram:
    """Return the program in the operations that torch-mlir lowers."""
    import torch
    from torch.utils._pytree import tree_structure

    from .composite_operations import listed_once, registered_at_once
    from .decompositions import decomposition_table
    from .graph_errors import export_error

    # The decomposition of attention lays out its result in another way than the operation; a later view then does not
    # fit. Here that is of no matter: reshape says the same and always fits.
    targets = {str(node.target) for node in program.graph.nodes}
    attention = "aten.scaled_dot_product_attention.default" in targets
    views = [node for node in program.graph.nodes if attention and node.target is torch.ops.aten.view.default]
    # Decomposition builds the results' tree and takes it apart again, and the operations that this takes, such as those
    # of a cache of transformers, would be traced, too.
    call = program.module_call_graph[0].signature
    tree = None if call is None else call.out_spec
    try:
        if call is not None and tree is not None:
            call.out_spec = tree_structure(tuple(range(tree.num_leaves)))
        for node in views:
            node.target = torch.ops.aten.reshape.default
        table = decomposition_table()
        if keep_index_copies(program.graph):
            table = {operation: how for operation, how in table.items() if INDEX_COPY not in str(operation)}
        with listed_once(), registered_at_once():
            decomposed: ExportedProgram = program.run_decompositions(table)
    except Exception as error:
        raise export_error(error) from error
    finally:
        if call is not None and tree is not None:
            call.out_spec = tree
        for node in views:
            node.target = torch.ops.aten.view.default
    return decomposed


def _register_caches() -> None:
    """Make the key and value caches of transformers, where that is in use, trees that torch.export can pass."""
    if "transformers.cache_utils" not in sys.modules:
        return
    try:
        from transformers.integrations.executorch import register_dynamic_cache_export_support
    except ImportError:
        return
    register_dynamic_cache_export_support()


def _distinct(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give each input memory of its own: torch.export takes inputs that are one tensor for one input."""
    import torch
    from torch.utils import _pytree as pytree

    leaves, spec = pytree.tree_flatten((args, kwargs))
    seen: set[int] = set()
    for index, leaf in enumerate(leaves):
        if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided and leaf.device.type == "cpu":
            pointer = leaf.untyped_storage().data_ptr()
            if pointer in seen:
                leaves[index] = leaf.detach().clone()
            seen.add(pointer)
    result: tuple[tuple[Any, ...], dict[str, Any]] = pytree.tree_unflatten(leaves, spec)
    return result


def lower_graph(graph_module: torch.fx.GraphModule, overwrites: Iterable[tuple[int, int]] = ()) -> ir.Module:
    """Import a prepared graph through torch-mlir as the function `main` and lower it to linalg on tensors.

    `overwrites` are pairs of an argument's and a result's number: the argument is overwritten with the result.
    """
    from .layers import attach_layers

    module = _in_torch_dialect(graph_module)
    with module.context:
        lower_index_copies(module)
    from .nan_order import order_nan
    from .views import expand_reshapes
    from .whole_choices import choose_elements

    with module.context:
        *first, last = (str(passmanager.PassManager.parse(pipeline)) for pipeline in _LOWERINGS)
    for pipeline in (*first, last.removesuffix(f",{_CHECK})") + ")"):
        _lower(module, pipeline, graph_module)
    with module.context:
        choose_elements(module)
    _lower(module, f"builtin.module({_CHECK})", graph_module)
    with module.context:
        order_nan(module)
    expand_reshapes(module)
    attach_layers(module)
    entry = find_entry(module.operation)
    assert entry is not None
    with module.context:
        mark_overwrites(entry, overwrites)
    return module


def _in_torch_dialect(graph_module: torch.fx.GraphModule) -> ir.Module:
    """Import a prepared graph through torch-mlir as the function `main`."""
    from .graph_errors import import_error
    from .layers import LayerImporter

    importer = LayerImporter(new_context())
    try:
        with _EXPORT, quiet_torch():
            importer.import_graph_module(graph_module, func_name="main")
    except Exception as error:
        raise import_error(graph_module, error) from error
    module: ir.Module = importer.module
    return module


def _lower(module: ir.Module, pipeline: str, graph_module: torch.fx.GraphModule) -> None:
    from .graph_errors import lowering_error

    messages: list[tuple[str, str]] = []

    def keep(diagnostic: ir.Diagnostic) -> bool:
        if diagnostic.severity == ir.DiagnosticSeverity.ERROR:
            messages.append((str(diagnostic.location), diagnostic.message))
        return True

    context = module.context
    # Some of torch-mlir's passes emit an error without failing, which only the handler sees.
    context.emit_error_diagnostics = True
    handler = context.attach_diagnostic_handler(keep)
    failure: Exception | None = None
    try:
        with context:
            passmanager.PassManager.parse(pipeline).run(module.operation)
    except ir.MLIRError as error:
        failure = error
    finally:
        handler.detach()
        context.emit_error_diagnostics = False
    if failure is not None or messages:
        raise lowering_error(messages, graph_module, failure) from failure
