"""`slipstick.compile`: the one way in."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bindings import ir
from ..errors import ArgumentError
from ..kernels.decisions import Decisions
from ..kernels.lmul import LMul
from ..passes.policy import POLICIES
from ..target import Target
from .build import build, parse
from .compiled import CompiledModule
from .decisions_file import decisions_file
from .frontend import Imported, import_torch
from .mlir_input import mlir_signature
from .options import CompileOptions, SkipPaths
from .parameter_marks import mark_parameters
from .state import Slot, module_slots, tied_names

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

LOG = logging.getLogger("slipstick")


def compile(
    obj: torch.nn.Module | ExportedProgram | ir.Module | str | os.PathLike[str],
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
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
    """Compile a torch module, an exported program, or MLIR to native code.

    `obj` is an `nn.Module` with example inputs `args` and `kwargs` (a `LossAndGradients` becomes a training step,
    forward and backward); an `ExportedProgram`; or MLIR: a module of the bindings, its text, or the path of a file
    (text or bytecode), at any stage. `dynamic_shapes` is that of `torch.export.export`: dimensions given as
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
        raise ArgumentError(f"args: expected a tuple of example inputs, found {type(args).__name__}")
    if kwargs is not None and not isinstance(kwargs, Mapping):
        raise ArgumentError(f"kwargs: expected a dictionary of example inputs, found {type(kwargs).__name__}")
    imported, slots, name = _import(obj, args, kwargs, dynamic_shapes)
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
        slots=slots,
        tied=_tied(obj),
        form=imported.call,
        timings=imported.timings,
        name=name,
    )


def _import(
    obj: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, dynamic_shapes: Any
) -> tuple[Imported, dict[str, Slot], str]:
    """Return what was imported, where its state is found, and its name."""
    if isinstance(obj, ir.Module | str | bytes | os.PathLike):
        if args or kwargs or dynamic_shapes is not None:
            raise ArgumentError(
                "args, kwargs, dynamic_shapes: expected none with MLIR, whose types say all, found some"
            )
        module = parse(_source(obj))
        return Imported(module, mlir_signature(module)), {}, ""
    import torch
    from torch.export import ExportedProgram

    if not isinstance(obj, torch.nn.Module | ExportedProgram):
        raise ArgumentError(
            "obj: expected an nn.Module, an ExportedProgram, an MLIR module, its text or the path of a .mlir file, "
            f"found {type(obj).__name__}"
        )
    from .training import LossAndGradients

    imported = import_torch(obj, args, kwargs, dynamic_shapes)
    if isinstance(obj, LossAndGradients):
        return imported, module_slots(obj.module, imported.state), f"training step of {type(obj.module).__name__}"
    if isinstance(obj, torch.nn.Module):
        return imported, module_slots(obj, imported.state), type(obj).__name__
    state = dict(imported.state)
    return imported, {key: (state, key) for key in state}, "ExportedProgram"


def _tied(obj: Any) -> dict[str, tuple[str, ...]]:
    import torch

    from .training import LossAndGradients

    if isinstance(obj, LossAndGradients):
        obj = obj.module
    return tied_names(obj) if isinstance(obj, torch.nn.Module) else {}


def _source(obj: Any) -> str | bytes | Path:
    """Return what to parse: a file for a path, the text of a module, or the text itself."""
    if isinstance(obj, ir.Module):
        return str(obj)
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str) and ("\n" in obj or "{" in obj or "(" in obj):
        return obj
    path = Path(obj)
    if not path.is_file():
        raise ArgumentError(f"obj: expected MLIR text or the path of a file, found {str(obj)!r}, which is no file")
    return path
