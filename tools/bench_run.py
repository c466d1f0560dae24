"""What `slipstick-bench` does: measures what was asked for, and shows it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from ..datasets.graph import Graph
from ..errors import ArgumentError, SlipstickError
from ..target import Target
from .bench_compile import NOTE as COMPILE_NOTE
from .bench_compile import compilation_table, layers_line, measure_compilation, measure_layers
from .bench_limits import Limits, describe_limits, measure_limits, read_sizes
from .bench_memory import NOTE as MEMORY_NOTE
from .bench_memory import measure_memory, memory_table
from .bench_overhead import measure_overhead, overhead_line
from .bench_results import Results
from .bench_suite import Settings, measure_row, select_graphs, select_peers
from .bench_table import limits_table, setting_lines, speed_table, summary_lines
from .environment import describe_environment
from .progress import Steps


def run(arguments: argparse.Namespace, *, limits_only: bool) -> int:
    """Measure and show; return the exit status, 1 if a subject of slipstick's own failed or was wrong."""
    from .bench_peers import PEERS
    from .bench_subjects import own_contenders

    messages = Console(stderr=True)
    steps = Steps(messages)
    cores = Target.host().cores
    for threads in arguments.threads:
        if threads > cores:
            words = "core" if cores == 1 else "cores"
            _note(
                messages,
                f"warning: {threads} threads on {cores} {words}: they wait for each other, figures mean little",
            )
    graphs = [] if limits_only else select_graphs(arguments.graphs, arguments.suite)
    target = runnable_target(arguments.target)
    own = own_contenders(target, lmul=arguments.lmul, weights=arguments.weights, schedules=arguments.schedules)
    settings = Settings(
        own=tuple(contender.name for contender in own),
        peers=select_peers(arguments.peers, [peer.name for peer in PEERS]),
        lmul=arguments.lmul,
        weights=arguments.weights,
        rounds=arguments.repeats,
        budget=float(arguments.budget),
        limit=float(arguments.limit),
        limits=not arguments.no_limits,
        target=target,
        schedules=arguments.schedules,
    )
    figures: dict[str, Any] = {}
    others = arguments.compile or arguments.memory or arguments.overhead
    if limits_only or not (others or arguments.no_limits):
        figures["limits"] = tuple(_limits(threads, target, steps) for threads in arguments.threads)
        figures["limits_text"] = describe_limits(target)
    if arguments.compile:
        figures["compilation"] = _each(graphs, arguments, steps, "compile", measure_compilation)
        with steps.step("compile 2 and 24 layers"):
            figures["layers"] = measure_layers(arguments.threads[0], settings.limit, _silent)
    if arguments.memory:
        found = _each(graphs, arguments, steps, "memory", measure_memory)
        figures["memory"] = tuple(result for results in found for result in _listed(results))
    if arguments.overhead:
        with steps.step("calls"):
            figures["overhead"] = measure_overhead(arguments.repeats)
    if not others and not limits_only:
        figures |= {"rows": _rows(graphs, arguments.threads, settings, steps), "rounds": arguments.repeats}
    results = Results(arguments.command, str(describe_environment()), **figures)
    _show(results, arguments)
    wrong = any(
        row.failure or any(s.kind == "slipstick" and s.status in ("wrong", "failed") for s in row.subjects)
        for row in results.rows
    )
    return 1 if wrong else 0


def show(arguments: argparse.Namespace) -> int:
    """Show an earlier run's figures; return the exit status."""
    if len(arguments.graphs) != 2:
        raise ArgumentError(f"show: expected one file, found {len(arguments.graphs) - 1}")
    _show(Results.from_json(Path(arguments.graphs[1])), arguments)
    return 0


def runnable_target(name: str) -> str:
    """Return the name of a CPU whose code this machine can run.

    Raises ArgumentError for one with vectors that this machine lacks, CodegenError for one that LLVM does not know.
    """
    host, target = Target.host(), Target.resolve(name)
    missing = sorted(feature for feature in target.features if not host.has(feature))
    if target.architecture != host.architecture or any(f.startswith(("avx", "fma", "neon")) for f in missing):
        what = ", ".join(missing) if target.architecture == host.architecture else target.architecture
        raise ArgumentError(f"--target: this machine does not run the code of {name}: {what}")
    return name


def _limits(threads: int, target: str, steps: Steps) -> Limits:
    total = 2 + len(read_sizes(Target.host(), threads))
    words = "thread" if threads == 1 else "threads"
    with steps.step(f"limits of the machine, {threads} {words}", total=total) as advance:
        return measure_limits(threads, target=target, advance=advance)


def _rows(graphs: list[Graph], threads: tuple[int, ...], settings: Settings, steps: Steps) -> tuple[Any, ...]:
    rows = []
    with steps.parts("measure", len(graphs) * len(threads)) as part:
        for item in graphs:
            for count in threads:
                with part(f"{item.name}, {count} {'thread' if count == 1 else 'threads'}") as say:
                    rows.append(measure_row(item, count, settings, say))
    return tuple(rows)


def _each(
    graphs: list[Graph],
    arguments: argparse.Namespace,
    steps: Steps,
    text: str,
    measure: Callable[[str, int, float, Callable[[str], None]], Any],
) -> tuple[Any, ...]:
    """Measure each graph on each number of threads; one that fails leaves its reason in the place of its figures."""
    found = []
    with steps.parts(text, len(graphs) * len(arguments.threads)) as part:
        for item in graphs:
            for count in arguments.threads:
                with part(item.name) as say:
                    try:
                        found.append(measure(item.name, count, float(arguments.limit), say))
                    except SlipstickError as error:
                        found.append({"graph": item.name, "threads": count, "failure": str(error)})
    return tuple(found)


def _listed(results: Any) -> list[Any]:
    return results if isinstance(results, list) else [results]


def _silent(text: str) -> None:
    """Say nothing."""


def _show(results: Results, arguments: argparse.Namespace) -> None:
    if arguments.html is not None:
        from .bench_report import report

        arguments.html.write_text(report(results), "utf-8")
    if arguments.json == "-":
        sys.stdout.write(results.to_json())
        return
    if arguments.json is not None:
        Path(arguments.json).write_text(results.to_json(), "utf-8")
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe, lines are as long as the table needs.
        console = Console(width=_WIDTH)
    if results.limits:
        console.print(limits_table(results.limits))
        _note(console, results.limits_text)
    if results.rows:
        console.print(speed_table(results))
        for line in summary_lines(results):
            console.print(line, highlight=False)
        console.print()
        for line in setting_lines(results):
            _note(console, line)
    if results.compilation:
        console.print(compilation_table(results.compilation))
        _note(console, COMPILE_NOTE)
    if results.layers:
        console.print(layers_line(results.layers), highlight=False)
    if results.memory:
        console.print(memory_table(results.memory))
        _note(console, MEMORY_NOTE)
    if results.overhead:
        console.print(overhead_line(results.overhead), highlight=False)
    _note(console, results.environment)


_WIDTH = 120


def _note(console: Console, text: str) -> None:
    console.print(text, style="dim", highlight=False, markup=False)
