"""Makes a corpus, or goes on with one: parts of a plan, labelled by local processes or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...errors import ArgumentError, SlipstickError
from ...target import Target
from .label import Failure, Row, label
from .plan import Plan, program
from .pool import Pool
from .simulate import simulator
from .store import Store

PART = 40
"""Programs in a part: what is lost when the process is killed."""
LIMIT_S = 300.0
"""Seconds that one program may take."""


@dataclass(frozen=True)
class Task:
    """One program of a plan."""

    generator: str
    seed: int
    targets: tuple[str, ...]
    schedules: int


@dataclass(frozen=True)
class Labelled:
    """What became of one program."""

    rows: tuple[dict[str, Any], ...]
    failures: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Progress:
    """How far it is; passed on after each program."""

    done: int
    programs: int
    rows: int
    failures: int


def label_task(task: Task) -> Labelled:
    """Label one program; what fails in it is recorded."""
    targets = [Target.named(name) for name in task.targets]
    try:
        made = program((task.generator, task.seed))
    except SlipstickError as error:
        failure = Failure(task.generator, "", str(error).partition("\n")[0][:300])
        return Labelled((), (asdict(failure),))
    found = list(label(made, targets, task.schedules))
    rows = tuple(row.flat() for row in found if isinstance(row, Row))
    return Labelled(rows, tuple(asdict(failure) for failure in found if not isinstance(failure, Row)))


def build_corpus(
    folder: Path, plan: Plan, workers: int, scheduler: str | None, say: Callable[[Progress], None]
) -> Progress:
    """Write what is missing of the plan's corpus to `folder`; `say` is told after each program.

    Raises ArgumentError where the folder holds another corpus or the scheduler cannot be reached, OSError.
    """
    for name in plan.targets:
        Target.named(name)
    store = Store(folder, plan)
    store.open(versions())
    tasks = [Task(generator, seed, plan.targets, plan.schedules) for generator, seed in plan.tasks()]
    parts = [tasks[start : start + PART] for start in range(0, len(tasks), PART)]
    missing = store.missing(len(parts))
    done = len(tasks) - sum(len(parts[number]) for number in missing)
    rows = failures = 0
    run = _dask(scheduler) if scheduler else _local(workers)
    for number in missing:
        answers: dict[Task, Labelled] = {}
        for task, answer in run(parts[number]):
            if isinstance(answer, str):
                failed = {"program": f"{task.generator}-{task.seed}", "target": "", "reason": answer}
                answer = Labelled((), (failed,))
            answers[task] = answer
            done, rows, failures = done + 1, rows + len(answer.rows), failures + len(answer.failures)
            say(Progress(done, len(tasks), rows, failures))
        ordered = [answers[task] for task in parts[number]]
        store.write(
            number,
            [row for labelled in ordered for row in labelled.rows],
            [failure for labelled in ordered for failure in labelled.failures],
        )
    return Progress(done, len(tasks), rows, failures)


def versions() -> dict[str, str]:
    """Return what the labels depend on: the versions of what made them."""
    found = {}
    for name in ("slipstick", "torch-mlir", "llvmlite"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    mca = simulator()
    return {**found, "llvm-mca": mca[1] if mca else "missing"}


def _local(workers: int) -> Callable[[Sequence[Task]], Iterator[tuple[Task, Labelled | str]]]:
    if workers < 1:
        raise ArgumentError(f"workers: expected at least 1, found {workers}")
    return Pool[Task, Labelled](label_task, workers, LIMIT_S).run


def _dask(scheduler: str) -> Callable[[Sequence[Task]], Iterator[tuple[Task, Labelled | str]]]:
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        raise ArgumentError("scheduler: Dask is not installed: pip install 'slipstick[cluster]'") from None
    try:
        client = Client(scheduler, timeout=30)
    except (OSError, ValueError, TimeoutError) as error:
        raise ArgumentError(f"scheduler: cannot reach {scheduler}: {error}") from None

    def run(tasks: Sequence[Task]) -> Iterator[tuple[Task, Labelled | str]]:
        futures = {client.submit(label_guarded, task, pure=False): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()

    return run


def label_guarded(task: Task) -> Labelled | str:
    """Label one program in a process of its own, as a worker of a cluster must: it may hang or die."""
    for _, answer in Pool[Task, Labelled](label_task, 1, LIMIT_S).run([task]):
        return answer
    raise AssertionError("a pool answers every task")
