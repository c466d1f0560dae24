"""Labels rows of a corpus again, and compares: what a plan and a version of slipstick give is the same bit for bit."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...target import Target
from . import build
from .build import CPU_LIMIT_S, LIMIT_S, Task, made, tasks_of
from .label import label
from .pool import Pool
from .row import Row
from .store import part_names, read_part, read_plan


@dataclass(frozen=True)
class Draw:
    """Programs that were compiled together, for one CPU: their rows are labelled again.

    Alone they may become other code: LLVM merges the constants of a module.
    """

    part: str
    task: Task
    target: str

    def __str__(self) -> str:
        return f"{', '.join(f'{name} {seed}' for name, seed in self.task.programs)} for {self.target}"


@dataclass(frozen=True)
class Again:
    """What labelling again gave."""

    programs: frozenset[str]
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Verified:
    """What was compared, and what differs."""

    rows: int
    """Of the corpus, that were compared."""
    programs: int
    parts: int
    differences: tuple[str, ...]
    """A line for each draw of which rows differ, saying how many, and in what."""


def verify(
    folder: Path,
    rows: int,
    seed: int,
    workers: int,
    say: Callable[[int], None],
    graph_texts: Path | None = None,
) -> Verified:
    """Draw programs and CPUs from all parts in turn until they have that many rows, label them again, and compare.

    `say` is told how many rows have been compared. Graphs are read from the file `graph_texts` where it has them.
    Raises ArgumentError for a folder that is no corpus, or a part that is damaged.
    """
    compared: list[tuple[str, frozenset[str], int]] = []
    differences = []
    draws = _until(_draws(folder, seed, graph_texts), lambda: sum(count for *_, count in compared) >= rows)
    for draw, answer in Pool[Draw, Again](again, workers, LIMIT_S, CPU_LIMIT_S).run(draws):
        if isinstance(answer, str):
            differences.append(f"{draw}: {answer}")
            continue
        expected = [
            row
            for row in read_part(folder, draw.part)
            if row["program"] in answer.programs and row["target"] == draw.target
        ]
        difference = compare(expected, answer.rows)
        if difference:
            differences.append(f"{draw}: {difference}")
        compared.append((draw.part, frozenset(row["program"] for row in expected), len(expected)))
        say(sum(count for *_, count in compared))
    parts = {part for part, _, count in compared if count}
    programs = frozenset[str]().union(*(names for _, names, _ in compared))
    return Verified(sum(count for *_, count in compared), len(programs), len(parts), tuple(differences))


def again(draw: Draw) -> Again:
    """Label programs for a CPU as the corpus was labelled; those that cannot be made have no rows, as then."""
    programs, _ = made(draw.task)
    targets = [Target.named(name) for name in draw.task.targets]
    answers = label(programs, targets, draw.task.schedules, draw.task.forms, only=draw.target)
    rows = tuple(answer.flat() for answer in answers if isinstance(answer, Row))
    return Again(frozenset(program.name for program in programs), rows)


def compare(expected: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]]) -> str:
    """Return in what rows differ from those expected; empty where they are equal."""
    if len(expected) != len(found):
        return f"{len(expected)} rows in the corpus, {len(found)} now"
    changed = [
        {name for name in one if one[name] != other.get(name)} for one, other in zip(expected, found, strict=True)
    ]
    names = sorted(set().union(*changed))
    return f"{sum(map(bool, changed))} of {len(expected)} rows differ in {', '.join(names)}" if names else ""


def _draws(folder: Path, seed: int, graph_texts: Path | None) -> Iterator[Draw]:
    """Yield programs and CPUs, from each part one before any has a second."""
    rng = random.Random(seed)
    plan = read_plan(folder)
    programs = plan.tasks()
    left = []
    for name, number in part_names(folder):
        tasks = tasks_of(programs[number * build.PART : (number + 1) * build.PART], plan, graph_texts)
        own = [(task, target) for task in tasks for target in plan.targets]
        rng.shuffle(own)
        left.append((name, own))
    rng.shuffle(left)
    while any(own for _, own in left):
        for name, own in left:
            if own:
                yield Draw(name, *own.pop())


def _until(draws: Iterator[Draw], is_enough: Callable[[], bool]) -> Iterator[Draw]:
    for draw in draws:
        if is_enough():
            return
        yield draw
