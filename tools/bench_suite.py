"""Measures rows: every graph on every number of threads, in worker processes; a subject that fails fails alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..datasets.graph import Graph
from ..datasets.graphs import SUITES, graph
from ..errors import ArgumentError
from .bench_limits import Limits
from .bench_process import Outcome, work
from .bench_request import Request
from .bench_results import Row, SubjectResult
from .timing import Timing

_COPIES = 2.5
"""The memory that a subject needs at most, in times the bytes of the graph: weights, and packed while they load."""


@dataclass(frozen=True)
class Settings:
    """How rows are measured; `own` and `peers` are names of subjects."""

    own: tuple[str, ...]
    peers: tuple[str, ...]
    lmul: bool
    weights: tuple[str, ...]
    rounds: int
    budget: float
    limit: float
    limits: bool = True
    """Whether the machine's limits are measured in turns with the subjects."""
    target: str = "host"
    """The CPU that slipstick compiles for, whose limits are measured."""
    schedules: tuple[str, ...] = ()
    """Policies that decide beside the heuristic."""


def select_graphs(names: Sequence[str], suite: str) -> list[Graph]:
    """Return the graphs of those names, or without names those of the suite. Raises ArgumentError for unknown ones."""
    if names:
        return [graph(name) for name in names]
    return list(SUITES[suite])


def measure_row(item: Graph, threads: int, settings: Settings, say: Callable[[str], None]) -> Row:
    """Measure one graph; `say` is told each step. Whatever happens inside is in the row, none of it is raised."""
    found: dict[str, SubjectResult] = {}
    failure, flops, size = "", item.flops, item.bytes or 0
    names = [*settings.own, *settings.peers]
    for group in _groups(names, size, _available_bytes()):
        left, outcome = list(group), Outcome()
        while True:
            request = Request(
                item.name,
                threads,
                tuple(left),
                settings.lmul,
                settings.weights,
                settings.rounds,
                settings.budget,
                settings.limit,
                settings.limits,
                settings.target,
                settings.schedules,
            )
            outcome = work(request, say)
            flops, size = outcome.counted.get("flops", flops), outcome.counted.get("bytes", size)
            for result in outcome.found:
                found[result["name"]] = _result(result)
            if not outcome.failure:
                break
            if outcome.subject not in left:
                # The graph itself, or torch: none of the others can be measured.
                failure = f"{outcome.step} {outcome.subject}".rstrip() + f": {outcome.failure}"
                break
            left.remove(outcome.subject)
            before = found.get(outcome.subject) or _unknown(outcome.subject, settings)
            detail = f"{outcome.step}: {outcome.failure}"
            found[outcome.subject] = replace(before, status="failed", detail=detail, timing=None)
    order = {name: number for number, name in enumerate(["torch", *names])}
    subjects = sorted(found.values(), key=lambda subject: order.get(subject.name, len(order)))
    return Row(item.name, item.family, item.what, threads, flops, size, item.tolerance, tuple(subjects), failure)


def _groups(names: Sequence[str], size: int, available: int) -> Iterator[Sequence[str]]:
    """Yield the subjects that one process can hold: all, or each by itself beside torch where memory is short."""
    if (1 + _COPIES * len(names)) * size <= 0.8 * available:
        yield names
    else:
        yield from ([name] for name in names)


def _available_bytes() -> int:
    """Return how much memory can be used, as Linux estimates it."""
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _unknown(name: str, settings: Settings) -> SubjectResult:
    return SubjectResult(name, "peer" if name in settings.peers else "slipstick", "failed")


def _result(data: dict[str, Any]) -> SubjectResult:
    timing, limits = data.pop("timing", None), data.pop("limits", None)
    return SubjectResult(
        **data,
        timing=None if timing is None else Timing(**timing),
        limits=None if limits is None else Limits.from_dict(limits),
    )


def select_peers(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Return the peers that `all`, `none` or a list with commas names. Raises ArgumentError for an unknown one."""
    if text in ("all", "none"):
        return tuple(known) if text == "all" else ()
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise ArgumentError(f"--peers: expected all, none or some of {', '.join(known)}, found {name!r}")
    return tuple(name for name in known if name in names)
