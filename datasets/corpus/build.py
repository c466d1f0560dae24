"""Makes a corpus, or goes on with one: parts of a plan, labelled by local processes or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

from ...errors import ArgumentError, SlipstickError
from ...target import Target
from .label import label
from .plan import Plan, program
from .pool import Pool
from .program import Program
from .row import Failure, Row
from .simulate import simulator
from .store import Store

PART = 12
"""Programs in a part: what is lost when the process is killed."""
GROUP = 3
"""Programs that are compiled together."""
WAVE = 16
"""Parts that a cluster is given at once: enough for many workers."""
CPU_LIMIT_S = 600
"""Seconds of CPU time that they may take."""
LIMIT_S = 6 * 3600.0
"""Seconds that they may take: what hangs and does nothing."""


@dataclass(frozen=True)
class Task:
    """Programs of a plan that are compiled together."""

    programs: tuple[tuple[str, int], ...]
    targets: tuple[str, ...]
    schedules: int
    forms: int
    graph_texts: Path | None = None

    def each(self) -> list[Task]:
        """Return a task for each program."""
        return [replace(self, programs=(program,)) for program in self.programs]


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


Run: TypeAlias = Callable[[Iterable[Task]], Iterator[tuple[Task, Labelled | str]]]


def made(task: Task) -> tuple[list[Program], list[Failure]]:
    """Return the programs of a task, and why others of it could not be made."""
    programs, failures = [], []
    for name in task.programs:
        try:
            programs.append(program(name, task.graph_texts))
        except SlipstickError as error:
            failures.append(Failure(" ".join(map(str, name)), "", str(error).partition("\n")[0][:300]))
    return programs, failures


def label_task(task: Task) -> Labelled:
    """Label programs; what fails in them is recorded."""
    targets = [Target.named(name) for name in task.targets]
    programs, found = made(task)
    rows = []
    for answer in label(programs, targets, task.schedules, task.forms):
        if isinstance(answer, Row):
            rows.append(answer.flat())
        else:
            found.append(answer)
    return Labelled(tuple(rows), tuple(asdict(failure) for failure in found))


def build_corpus(
    folder: Path,
    plan: Plan,
    workers: int,
    scheduler: str | None,
    say: Callable[[Progress], None],
    *,
    sample: int | None = None,
    seconds: float | None = None,
    graph_texts: Path | None = None,
) -> Progress:
    """Write what is missing of the plan's corpus to `folder`; `say` is told after each program.

    With a `sample`, only the first parts, as many as have that many rows: the same ones bit for bit as of the whole.
    No part is begun after so many `seconds`; those that are begun are finished. Graphs are read from the file
    `graph_texts` where it has them.

    Raises ArgumentError where the folder holds another corpus or the scheduler cannot be reached, OSError.
    """
    for name in plan.targets:
        Target.named(name)
    store = Store(folder, plan)
    store.open(versions())
    programs = plan.tasks()
    parts = [programs[start : start + PART] for start in range(0, len(programs), PART)]
    missing = store.missing(len(parts))
    done = len(programs) - sum(len(parts[number]) for number in missing)
    rows = failures = 0
    run = _dask(scheduler) if scheduler else _local(workers)
    end = inf if seconds is None else monotonic() + seconds
    wave = 1 if sample is not None else WAVE if scheduler else max(1, len(missing))
    for start in range(0, len(missing), wave):
        numbers = missing[start : start + wave]
        if monotonic() >= end or (sample is not None and store.rows(before=numbers[0]) >= sample):
            break
        waiting: dict[int, list[Task]] = {}
        answers: dict[Task, Labelled] = {}
        for task, answer in _answers(run, _begun(numbers, parts, plan, graph_texts, end, waiting)):
            answers[task] = answer
            done, rows = done + len(task.programs), rows + len(answer.rows)
            failures += len(answer.failures)
            say(Progress(done, len(programs), rows, failures))
            for number, tasks in list(waiting.items()):
                found = _complete(tasks, answers)
                if found is not None:
                    for own in waiting.pop(number):
                        for each in (own, *own.each()):
                            answers.pop(each, None)
                    store.write(number, found.rows, found.failures)
    return Progress(done, len(programs), rows, failures)


def _begun(
    numbers: Sequence[int],
    parts: Sequence[Sequence[tuple[str, int]]],
    plan: Plan,
    graph_texts: Path | None,
    end: float,
    waiting: dict[int, list[Task]],
) -> Iterator[Task]:
    """Yield the tasks of parts until the time is over; what has been begun is noted in `waiting`."""
    for number in numbers:
        if monotonic() >= end:
            return
        waiting[number] = tasks_of(parts[number], plan, graph_texts)
        yield from waiting[number]


def _complete(tasks: Sequence[Task], answers: Mapping[Task, Labelled]) -> Labelled | None:
    """Return the answers of a part's tasks in order, of a task that failed its programs'; None where one is missing."""
    found: list[Labelled] = []
    for task in tasks:
        own = [answers.get(each) for each in ([task] if task in answers else task.each())]
        if any(answer is None for answer in own):
            return None
        found += [answer for answer in own if answer is not None]
    return Labelled(
        tuple(row for answer in found for row in answer.rows),
        tuple(failure for answer in found for failure in answer.failures),
    )


def tasks_of(programs: Sequence[tuple[str, int]], plan: Plan, graph_texts: Path | None) -> list[Task]:
    """Return programs in groups of one family: what is compiled together takes about equally long."""
    ordered = sorted(programs, key=lambda program: program[0])
    groups = [ordered[start : start + GROUP] for start in range(0, len(ordered), GROUP)]
    return [Task(tuple(group), plan.targets, plan.schedules, plan.forms, graph_texts) for group in groups]


def _answers(run: Run, tasks: Iterable[Task]) -> Iterator[tuple[Task, Labelled]]:
    """Yield tasks with their answers; where a group has none, those of each of its programs."""
    failed: list[Task] = []
    for task, answer in run(tasks):
        if not isinstance(answer, str):
            yield task, answer
        elif len(task.programs) > 1:
            failed += task.each()
        else:
            ((generator, seed),) = task.programs
            yield task, Labelled((), ({"program": f"{generator} {seed}", "target": "", "reason": answer},))
    if failed:
        yield from _answers(run, failed)


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


def _local(workers: int) -> Run:
    if workers < 1:
        raise ArgumentError(f"workers: expected at least 1, found {workers}")
    return Pool[Task, Labelled](label_task, workers, LIMIT_S, CPU_LIMIT_S).run


def _dask(scheduler: str) -> Run:
    try:
        from dask.distributed import Client, as_completed
    except ImportError:
        raise ArgumentError("scheduler: Dask is not installed: pip install 'slipstick[cluster]'") from None
    try:
        Client(scheduler, timeout=30).close()
    except (OSError, ValueError, TimeoutError) as error:
        raise ArgumentError(f"scheduler: cannot reach {scheduler}: {error}") from None

    def run(tasks: Iterable[Task]) -> Iterator[tuple[Task, Labelled | str]]:
        with Client(scheduler, timeout=30) as client:
            futures = {client.submit(label_guarded, task, pure=False): task for task in tasks}
            for future in as_completed(futures):
                yield futures[future], future.result()

    return run


def label_guarded(task: Task) -> Labelled | str:
    """Label one program in a process of its own, as a worker of a cluster must: it may hang or die."""
    # Dask starts workers as daemons, which may start no processes in Python; ours end with the worker all the same.
    vars(multiprocessing.current_process())["_config"]["daemon"] = False
    for _, answer in Pool[Task, Labelled](label_task, 1, LIMIT_S, CPU_LIMIT_S).run([task]):
        return answer
    raise AssertionError("a pool answers every task")
