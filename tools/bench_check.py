"""`slipstick-bench check`: compiles graphs in their true sizes and compares each with torch, one process a graph.

Sizes may be cut where that shows the same: the layers of a model are copies of one another, so that two at their true
width with a short sequence make every kernel that twelve make. What was cut is in the names of the results.

What is found is appended to a file, line by line, so that a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.graph import Graph
from ..datasets.graphs import GRAPHS, SUITES, graph
from ..errors import ArgumentError
from .bench_check_worker import Checks
from .files import check_writable
from .flags import integer_flag
from .progress import Steps


@dataclass(frozen=True)
class Checked:
    """What became of one graph."""

    graph: str
    status: Literal["ok", "wrong", "failed", "left out"]
    detail: str = ""
    """Why, where it is not ok."""
    error: float | None = None
    """The largest difference from torch, as a share of the largest magnitude of a result."""
    seconds: float = 0.0
    """The whole of it: building, compiling, running beside torch."""
    steps: dict[str, float] | None = None
    """The seconds of each step: "build", with a call in torch; "compile"; "run"; "compare"."""


def check(program: str, argv: Sequence[str]) -> int:
    """Check the graphs that the arguments name; return the exit status, 1 where one failed or was wrong."""
    arguments = _parser(program).parse_args(argv)
    graphs = _cut(_graphs(arguments.graphs, arguments.suite), arguments.sizes)
    known = {} if arguments.record is None else _recorded(arguments.record)
    if arguments.record is not None:
        check_writable(arguments.record, "--record")
    checks = Checks(arguments.threads, float(arguments.limit))
    most = arguments.most * 1_000_000
    steps = Steps(Console(stderr=True))
    with steps.parts("check", len(graphs)) as part:
        for item in graphs:
            with part(item.name) as say:
                if item.name in known:
                    continue
                found = checked(item, checks, most, say)
                known[item.name] = found
                if arguments.record is not None:
                    with arguments.record.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(found)) + "\n")
    results = [known[item.name] for item in graphs]
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(_table(results))
    console.print(summary(results), highlight=False)
    return 1 if any(found.status in ("wrong", "failed") for found in results) else 0


_WIDTH = 150


def checked(item: Graph, checks: Checks, most: int, say: Callable[[str], None]) -> Checked:
    """Compile one graph and compare it with torch in a process of its own; `most` is the bytes that it may have."""
    if (item.bytes or 0) > most:
        return Checked(item.name, "left out", f"{(item.bytes or 0) / 1e6:.0f} MB")
    found = checks.run(item.name, say)
    steps: dict[str, float] = found["seconds"]
    seconds = sum(steps.values())
    if "failure" in found:
        return Checked(item.name, "failed", found["failure"], None, seconds, steps)
    error: float = found["error"]
    if error <= item.tolerance:
        return Checked(item.name, "ok", "", error, seconds, steps)
    return Checked(item.name, "wrong", f"expected at most {item.tolerance:.0e}", error, seconds, steps)


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


def _recorded(path: Path) -> dict[str, Checked]:
    """Return what an earlier run wrote. Raises ArgumentError for a file that holds something else."""
    if not path.exists():
        return {}
    found: dict[str, Checked] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            one = Checked(**json.loads(line))
        except (ValueError, TypeError):
            raise ArgumentError(f"--record: {path}:{number}: expected a line that check wrote") from None
        found[one.graph] = one
    return found


def summary(results: Sequence[Checked]) -> str:
    """Return the counts in words."""
    counts = {status: sum(found.status == status for found in results) for status in ("ok", "wrong", "failed")}
    left = len(results) - sum(counts.values())
    return (
        f"{len(results)} graphs: {counts['ok']} equal torch within their tolerance, {counts['wrong']} are wrong, "
        f"{counts['failed']} failed, {left} were left out; {sum(found.seconds for found in results):.0f} s."
    )


def _table(results: Sequence[Checked]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in (
        ("graph", "left"),
        ("status", "left"),
        ("error", "right"),
        ("s", "right"),
        ("why", "left"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for found in results:
        error = "" if found.error is None else f"{found.error:.1e}"
        table.add_row(found.graph, found.status, error, f"{found.seconds:.1f}", found.detail)
    return table


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
    return parser


_SIZES = "cut these sizes, where a graph has larger ones, e.g. layers=2,tokens=32"
_LIMIT = "seconds that building, compiling or running a graph may take"
_MOST = "leave out graphs of more weights, inputs and results"
