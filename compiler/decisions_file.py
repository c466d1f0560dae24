"""Decisions as an input and an output of a compilation."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..errors import ArgumentError
from ..kernels.decisions import Decisions
from ..passes.decide import decisions_of
from ..passes.manager import run_pipeline
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
                f"schedule: expected {quoted}, decisions or the path of a file of them, found {str(schedule)!r}"
            )
        schedule = Decisions.load(schedule)
    if not isinstance(schedule, Decisions):
        raise ArgumentError(f"schedule: expected a policy, decisions or a path, found {type(schedule).__name__}")
    folder = Cache(cache_dir).directory / "decisions"
    path = folder / f"{schedule.digest()}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        schedule.save(path)
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="slipstick-")) / path.name
        schedule.save(path)
    return path


def decided(text: str, options: CompileOptions, target: Target) -> Decisions:
    """Return the decisions that a module, given at an early stage, is lowered with; none for a later stage."""
    module = parse(text)
    if STAGES.index(stage_of(module)) > STAGES.index("rewritten"):
        return Decisions()
    settings = {"lmul": options.lmul, "parallel": options.parallel, "weights": options.weights, "skip": options.skip}
    run_stages(module, until="rewritten", target=target, pack_few_rows=options.pack_few_rows, **settings)  # type: ignore[arg-type]
    pipelines = stage_pipelines(target, **settings, pack_few_rows=options.pack_few_rows, deciding=options.deciding)  # type: ignore[arg-type]
    scheduled = pipelines["scheduled"]
    assert isinstance(scheduled, StageScheduled)
    record = f"decide{{record target={target_name(target)}}}"
    run_pipeline(module, scheduled.text().replace("pack-weights", f"{record},pack-weights"), verify="own")
    return decisions_of(module.operation)
