"""Decisions as an input and an output of a compilation, and the nests that they are about."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from ..bindings import ir
from ..errors import ArgumentError
from ..kernels.decisions import Decisions
from ..passes.decide import decisions_of
from ..passes.manager import run_pipeline
from ..passes.nests import Nest, nests
from ..passes.policy import POLICIES
from ..target import Target
from .build import parse
from .cache import Cache
from .options import CompileOptions
from .stages import STAGES, StageScheduled, run_stages, stage_of, stage_pipelines, target_name


def decisions_file(schedule: str | os.PathLike[str] | Decisions, cache_dir: Path | None) -> Path | None:
    """Return the file of the decisions that `schedule` names or is, None where it names a policy.

    The file's name says its content, as the compile cache has to know it. Raises ArgumentError for anything else.
    """
    if isinstance(schedule, str) and schedule in POLICIES:
        return None
    if isinstance(schedule, str | os.PathLike):
        if not Path(schedule).is_file():
            quoted = ", ".join(f'"{name}"' for name in POLICIES)
            raise ArgumentError(
                f"schedule: expected one of {quoted}, decisions or the path of a file of them, found {str(schedule)!r}"
            )
        schedule = Decisions.load(Path(schedule))
    if not isinstance(schedule, Decisions):
        raise ArgumentError(f"schedule: expected a policy, decisions or a path, found {type(schedule).__name__}")
    folder = Cache(cache_dir).directory / "decisions"
    path = folder / f"{schedule.digest()}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        schedule.save(path)
    except OSError:
        try:
            path = Path(tempfile.mkdtemp(prefix="slipstick-")) / path.name
            schedule.save(path)
        except OSError as problem:
            raise ArgumentError(f"schedule: decisions cannot be written to {path.parent}: {problem.strerror}") from None
    return path


def decided(text: str, options: CompileOptions, target: Target) -> Decisions:
    """Return the decisions that a module, given at an early stage, is lowered with; none for a later stage."""
    module = parse(text)
    if STAGES.index(stage_of(module)) > STAGES.index("rewritten"):
        return Decisions()
    _run_heuristic(module, options, target)
    file = f" decisions={options.decisions}" if options.decisions else ""
    run_pipeline(module, f"builtin.module(decide{{record target={target_name(target)}{file}}})", verify="own")
    return decisions_of(module.operation)


def module_nests(module: ir.Module, options: CompileOptions, target: Target) -> list[Nest]:
    """Return the nests of a module at the stage "linalg" or "rewritten", which the heuristic has decided; each once.

    The module is lowered in place as far as that, and has to be kept as long as they are. Raises IRError where it does
    not lower.
    """
    _run_heuristic(module, options, target)
    return list({nest.key: nest for nest in nests(module.operation)}.values())


def _run_heuristic(module: ir.Module, options: CompileOptions, target: Target) -> None:
    options = replace(options, schedule="heuristic", decisions=None)
    lmul, threads, weights, skip, few = (
        options.lmul,
        options.threads or 1,
        options.weights,
        options.skip,
        options.pack_weights,
    )
    run_stages(module, until="rewritten", target=target, lmul=lmul, threads=threads, weights=weights, skip=skip)
    scheduled = stage_pipelines(target, lmul, threads, weights, skip, pack_weights=few)["scheduled"]
    assert isinstance(scheduled, StageScheduled)
    run_pipeline(module, scheduled.heuristic(), verify="own")
