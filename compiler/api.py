"""`slipstick.compile`: the one way in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bindings import ir
from ..errors import ArgumentError, GraphError
from ..kernels.decisions import Decisions
from ..kernels.lmul import LMul
from ..passes.policy import POLICIES
from ..target import Target
from .build import build
from .compiled import CompiledModule
from .decisions_file import decisions_file
from .frontend import Imported, import_torch
from .given_ir import read_module
from .mlir_input import mlir_signature, select_entry
from .options import CompileOptions, SkipPaths
from .parameter_marks import mark_parameters
from .state import Slot, module_slots, tied_names

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

LOG = logging.getLogger("slipstick")


def compile(
    obj: torch.nn.Module | Callable[..., Any] | ExportedProgram | ir.Module | str | os.PathLike[str],
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    entry: str | None = None,
    lmul: LMul | None = None,
    weights: str = "f32",
    threads: int | None = None,
    target: str | Target = "host",
    schedule: str | os.PathLike[str] | Decisions = "heuristic",
    budget: int = 0,
    pack_weights: bool = True,
    skip: SkipPaths | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> CompiledModule:
    """Compile a torch module or function, an exported program, or MLIR to native code.

    `obj` is an `nn.Module` with example inputs `args` and `kwargs` (a `LossAndGradients` becomes a training step,
    forward and backward), or a function, or a method of a module; an `ExportedProgram`; or MLIR: a module of the
    bindings, its text, or the path of a file (text or bytecode), at any stage, whose function `entry` is compiled, by
    default `main` or the only public one. `dynamic_shapes` is that of `torch.export.export`: dimensions given as
    `torch.export.Dim` may have any size in their range at each call.
    `lmul` turns multiplies into L-Mul; `weights` "bf16" or "lm8" makes native code read the weights of linear layers in
    16 or 8 bits (in MLIR, of arguments with the attribute `slipstick.parameter`); `skip` compiles a decode step for
    smaller depths, too: see `CompiledModule.at_depth`. `schedule` says who decides tiling, unrolling, vectors and
    epilogues: "heuristic"; "search", which measures candidates on this machine; "model", the cost model; with `budget`
    at most so many of each kernel are measured; or decisions, `CompiledModule.decisions` of another compilation or the
    path of their file. For the other options see `CompileOptions`.

    Raises `ArgumentError` for options and inputs that cannot be meant, `GraphError` for a graph that cannot be exported
    or imported, `IRError` for MLIR that does not parse or lower, `CodegenError` where LLVM refuses. The logger
    "slipstick" tells at level INFO what is going on.
    """
    import torch

    folder = None if cache_dir is None else Path(cache_dir)
    options = CompileOptions(
        lmul=lmul,
        weights=weights,
        threads=torch.get_num_threads() if threads is None else threads,
        target=target,
        schedule=schedule if isinstance(schedule, str) and schedule in POLICIES else "heuristic",
        budget=budget,
        decisions=decisions_file(schedule, folder),
        pack_weights=pack_weights,
        skip=skip,
        cache_dir=folder,
    )
    machine = Target.resolve(options.target)
    if not isinstance(args, tuple):
        raise ArgumentError(f"args: expected a tuple of example inputs, such as (x,), found {type(args).__name__}")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise ArgumentError(f"kwargs: expected a dictionary of example inputs, found {type(kwargs).__name__}")
    origin = _import(obj, args, kwargs, dynamic_shapes, entry)
    imported = origin.imported
    for phase, seconds in imported.timings.items():
        LOG.info("%s in %.2f s", phase, seconds)
    if imported.call is not None:
        mark_parameters(imported.module.operation, imported.signature)
    text = str(imported.module)
    built = build(text, options, machine)
    return CompiledModule(
        text,
        built,
        imported.signature,
        options,
        machine,
        slots=origin.slots,
        tied=origin.tied,
        form=imported.call,
        timings=imported.timings,
        name=origin.name,
    )


@dataclass(frozen=True)
class _Origin:
    """What was imported, and how it hangs together with the object that it came from."""

    imported: Imported
    slots: Mapping[str, Slot] = field(default_factory=dict)
    """Where each tensor of the state is found."""
    tied: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """All names of parameters that have several."""
    name: str = ""


def _import(
    obj: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any, entry: str | None
) -> _Origin:
    if isinstance(obj, ir.Module | str | bytes | os.PathLike):
        if args or kwargs or dynamic_shapes is not None:
            raise ArgumentError(
                "args, kwargs, dynamic_shapes: expected none with MLIR, whose types say all, found some"
            )
        module = read_module(obj)
        if entry is not None:
            select_entry(module, entry)
        return _Origin(Imported(module, mlir_signature(module)))
    if entry is not None:
        raise ArgumentError("entry: expected with MLIR alone, found with a graph of torch")
    try:
        return _import_torch(obj, args, kwargs, dynamic_shapes)
    except GraphError as error:
        raise _with_way_out(error) from error.__cause__


def _import_torch(obj: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any) -> _Origin:
    import torch
    from torch.export import ExportedProgram

    from .functions import called_name, function_module
    from .training import LossAndGradients

    if callable(obj) and not isinstance(obj, torch.nn.Module | ExportedProgram | type):
        obj = function_module(obj)
    if not isinstance(obj, torch.nn.Module | ExportedProgram):
        found = f"the class {obj.__name__}, not an object of it" if isinstance(obj, type) else type(obj).__name__
        raise ArgumentError(
            "obj: expected an nn.Module, a function, an ExportedProgram, an MLIR module, its text or the path of a "
            f".mlir file, found {found}"
        )
    imported = import_torch(obj, args, kwargs, dynamic_shapes)
    if isinstance(obj, ExportedProgram):
        state = dict(imported.state)
        return _Origin(imported, {key: (state, key) for key in state}, name="ExportedProgram")
    module, name = obj, called_name(obj)
    if isinstance(obj, LossAndGradients):
        module, name = obj.module, f"training step of {type(obj.module).__name__}"
    return _Origin(imported, module_slots(module, imported.state), tied_names(module), name)


def _with_way_out(error: GraphError) -> GraphError:
    """Return the error, with a note where torch.compile would leave to torch what is refused here."""
    if not any(words in str(error) for words in ("torch-mlir cannot", "cannot be compiled")):
        return error
    note = 'note: torch.compile(model, backend="slipstick") compiles the rest of the graph and leaves this to torch'
    return GraphError(f"{error}\n{note}", error.operation)
