"""`slipstick-cost label`: makes a corpus, or goes on with one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..datasets.corpus.build import Progress as Done
from ..datasets.corpus.build import build_corpus, versions
from ..datasets.corpus.graph_programs import graph_names
from ..datasets.corpus.graph_texts import read_graphs, write_graphs
from ..datasets.corpus.plan import TARGETS, Plan
from ..datasets.corpus.simulate import simulator
from ..datasets.corpus.store import Store, read_manifest
from ..datasets.corpus.verify import verify


def label(arguments: argparse.Namespace) -> int:
    """Label what is missing; return the exit status."""
    targets = tuple(arguments.targets.split(",")) if arguments.targets else TARGETS
    console = Console(stderr=True)
    if arguments.verify:
        return _verify(arguments, console)
    graphs = _graphs(arguments)
    if arguments.write_graphs:
        count = write_graphs(arguments.write_graphs, graphs, console.print)
        console.print(f"{arguments.write_graphs}: {count} graphs")
        return 0
    plan = Plan(arguments.programs, arguments.seed, targets, arguments.schedules, arguments.forms, graphs)
    if simulator() is None:
        console.print("llvm-mca of LLVM 22 was not found (Debian: llvm-22): cycles, IPC and utilisation stay empty")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("labelling", total=len(plan.tasks()))

        def say(done: Done) -> None:
            bar.update(task, completed=done.done, description=f"{done.rows} rows, {done.failures} failures; programs")

        done = build_corpus(
            arguments.folder,
            plan,
            arguments.workers,
            arguments.scheduler,
            say,
            sample=arguments.sample,
            seconds=arguments.seconds,
            graph_texts=arguments.read_graphs,
        )
    console.print(f"{arguments.folder}: {done.rows} new rows, {done.failures} failures, which its manifest lists")
    console.print(f"sha256 of its parts: {Store(arguments.folder, plan).digest()}")
    return 0


def _verify(arguments: argparse.Namespace, console: Console) -> int:
    """Label rows again and compare; return the exit status, 1 where one differs."""
    known, now = read_manifest(arguments.folder).get("versions", {}), versions()
    if known != now:
        console.print(f"the corpus was labelled by {_listed(known)}; this is {_listed(now)}")
    with console.status("labelling again") as shown:
        found = verify(
            arguments.folder,
            arguments.verify,
            arguments.seed,
            arguments.workers,
            lambda rows: shown.update(f"{rows} rows compared"),
            arguments.read_graphs,
        )
    for line in found.differences:
        print(line)
    verdict = f"{len(found.differences)} programs differ" if found.differences else "all the same bit for bit"
    print(f"{found.rows} rows of {found.programs} programs from {found.parts} parts labelled again: {verdict}")
    return 1 if found.differences else 0


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _graphs(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of graphs: of `all`, those that the file has where there is one."""
    if arguments.graphs != "all":
        return tuple(name for name in arguments.graphs.split(",") if name)
    if arguments.read_graphs:
        return tuple(read_graphs(arguments.read_graphs))
    return tuple(graph_names())
