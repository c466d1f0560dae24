"""`slipstick-bench check`: compiles graphs in their true sizes and compares each with torch, one process a graph.

Sizes may be cut where that shows the same: the layers of a model are copies of one another, so that two at their true
width with a short sequence make every kernel that twelve make. What was cut is in the names of the results.

What is found is appended to a file, line by line, so that a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ..datasets.graph import Graph
from ..datasets.graphs import GRAPHS, SUITES, graph
from ..errors import ArgumentError
from .bench_check_judgement import Judgement
from .bench_check_results import Checked, append, as_json, group_table, groups, recorded, result_table, summary
from .bench_check_worker import Checks
from .files import check_writable
from .flags import integer_flag
from .progress import Steps


def check(program: str, argv: Sequence[str]) -> int:
    """Check the graphs that the arguments name; return the exit status, 1 where one failed or was wrong."""
    arguments = _parser(program).parse_args(argv)
    graphs = _cut(_graphs(arguments.graphs, arguments.suite), arguments.sizes)
    record: Path | None = arguments.record
    known = {} if record is None else recorded(record)
    if record is not None:
        check_writable(record, "--record")
    checks = Checks(arguments.threads, float(arguments.limit))
    most = arguments.most * 1_000_000
    end = float("inf") if arguments.within is None else time.monotonic() + arguments.within
    with Steps(Console(stderr=True)).parts("check", len(graphs)) as part:
        for item in graphs:
            with part(item.name) as say:
                if item.name in known or time.monotonic() > end:
                    continue
                known[item.name] = checked(item, checks, most, say)
                if record is not None and known[item.name].status != "left out":
                    append(record, known[item.name])
    results = [known.get(item.name) or Checked(item.name, "left out", "no time left") for item in graphs]
    console = Console()
    if arguments.json:
        console.print_json(json.dumps(as_json(results)))
    else:
        _show(console if console.is_terminal else Console(width=_WIDTH), results)
    return 1 if any(found.status in ("wrong", "failed") for found in results) else 0


def _show(console: Console, results: Sequence[Checked]) -> None:
    console.print(result_table(results))
    console.print(group_table(groups(results)))
    console.print(summary(results), highlight=False)


_WIDTH = 150


def checked(item: Graph, checks: Checks, most: int, say: Callable[[str], None]) -> Checked:
    """Compile one graph and compare it with torch in a process of its own; `most` is the bytes that it may have."""
    if (item.bytes or 0) > most:
        return Checked(item.name, "left out", f"{(item.bytes or 0) / 1e6:.0f} MB")
    found = checks.run(item.name, say)
    steps: dict[str, float] = found["seconds"]
    cost: dict[str, Any] = {"seconds": sum(steps.values()), "steps": steps, "cpu": found.get("cpu")}
    if "failure" in found:
        return Checked(item.name, "failed", found["failure"], **cost)
    judgement = Judgement(**found["judgement"])
    right = judgement.right(item.tolerance)
    detail = "" if right else f"expected at most {item.tolerance:.0e}"
    return Checked(item.name, "ok" if right else "wrong", detail, **cost, **asdict(judgement))


def _cut(graphs: Sequence[Graph], sizes: str) -> list[Graph]:
    """Return the graphs in these sizes, such as `layers=2,tokens=32`, each as far as it has them and they are larger.

    Raises ArgumentError for a size that none of them has.
    """
    wanted = [part.partition("=") for part in sizes.split(",") if part]
    for name, _, _ in wanted:
        if not any(name in item.sizes for item in graphs):
            raise ArgumentError(f"--sizes: none of these graphs has a size {name!r}")
    found = []
    for item in graphs:
        text = ",".join(f"{name}={value}" for name, _, value in wanted if _larger(item, name, value))
        found.append(item.variant(text) if text else item)
    return found


def _larger(item: Graph, name: str, value: str) -> bool:
    size = item.sizes.get(name)
    return isinstance(size, int) and (not value.isdigit() or size > int(value))


def _graphs(names: Sequence[str], suites: Sequence[str]) -> list[Graph]:
    """Return the graphs of those names, else those of the suites, else all; each once."""
    if names:
        return [graph(name) for name in names]
    found = [item for suite in suites for item in SUITES[suite]] if suites else list(GRAPHS)
    return list({item.name: item for item in found}.values())


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="Compile graphs in their true sizes, each in a process of its own, and compare."
    )
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="names as `list` shows them, sizes behind a colon (default: all)")
    add("--suite", action="append", default=[], choices=sorted(SUITES), help="the graphs of a suite; may be repeated")
    add("--sizes", default="", metavar="SIZES", help=_SIZES)
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: %(default)s")
    add("--limit", type=integer_flag(1, 10**6), default=600, metavar="S", help=f"{_LIMIT} (default: %(default)s)")
    add("--most", type=integer_flag(1, 10**6), default=2000, metavar="MB", help=f"{_MOST} (default: %(default)s)")
    add("--record", type=Path, metavar="FILE", help="append each result; leave out what the file has")
    add("--within", type=integer_flag(0, 10**7), metavar="S", help=_WITHIN)
    add("--json", action="store_true", help="print all results and the counts as JSON")
    return parser


_SIZES = "cut these sizes, where a graph has larger ones, e.g. layers=2,tokens=32"
_LIMIT = "seconds that building, compiling or running a graph may take"
_WITHIN = "begin no further graph after so many seconds; with --record, the next run goes on there"
_MOST = "leave out graphs of more weights, inputs and results"
