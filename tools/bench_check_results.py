"""What `slipstick-bench check` found: a result for each graph, the file that keeps them, and the table of families."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.table import Table

from ..datasets.graphs import SUITES, graph
from ..errors import ArgumentError

Status = Literal["ok", "wrong", "failed", "left out"]
_WHOLE_SUITES = ("core", "zoo", "peft", "medcalc")
"""The suites that share no graph and hold all of them."""


@dataclass(frozen=True)
class Checked:
    """What became of one graph."""

    graph: str
    status: Status
    """ "left out": too large, or the time was up before its turn."""
    detail: str = ""
    """Why, where it is not ok."""
    error: float | None = None
    """The largest difference from torch, as a share of the largest magnitude of a result: see `Judgement`."""
    seconds: float = 0.0
    """The whole of it: building, compiling, running beside torch."""
    steps: dict[str, float] | None = None
    """The seconds of each step: "build", with a call in torch; "compile"; "run"; "compare"."""
    cpu: float | None = None
    """Seconds of CPU time of the graph's process: on a busy machine less than `seconds`."""
    kinks: int = 0
    """Of a training step: inputs of ReLU so near to zero that rounding decides which side they take, that took another
    one than torch. What that changes is not in `error`."""
    torch_error: float | None = None
    """How far torch's own f32 is from float64, where `error` is the distance from float64; else `None`."""


def recorded(path: Path) -> dict[str, Checked]:
    """Return what an earlier run wrote, by graph. Raises ArgumentError for a file that holds something else."""
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


def append(path: Path, found: Checked) -> None:
    """Add a result to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(found)) + "\n")


@dataclass(frozen=True)
class Group:
    """The graphs of one family in one suite, or all of them, counted."""

    suite: str
    family: str
    graphs: int
    right: int
    wrong: int
    failed: int
    not_run: int
    worst: float | None
    """The largest error of a graph that ran; `None` where none did."""


def groups(results: Sequence[Checked]) -> list[Group]:
    """Return the counts of each family in each suite, in the registry's order, and of all behind them."""
    of: dict[tuple[str, str], list[Checked]] = {}
    for found in results:
        of.setdefault(_place(found.graph), []).append(found)
    order = {suite: number for number, suite in enumerate((*_WHOLE_SUITES, ""))}
    places = sorted(of, key=lambda place: order[place[0]])
    return [*(_group(*place, of[place]) for place in places), _group("all", "", results)]


def _place(name: str) -> tuple[str, str]:
    """Return the suite and the family of a graph; a local model is in no suite."""
    item = graph(name)
    base = name.partition(":")[0]
    known = (suite for suite in _WHOLE_SUITES if any(one.name == base or one.workload == base for one in SUITES[suite]))
    return next(known, ""), item.family


def _group(suite: str, family: str, results: Iterable[Checked]) -> Group:
    found = list(results)
    right, wrong, failed, out = (sum(one.status == status for one in found) for status in _STATUSES)
    worst = max((one.error for one in found if one.error is not None), default=None)
    return Group(suite, family, len(found), right, wrong, failed, out, worst)


_STATUSES: tuple[Status, ...] = ("ok", "wrong", "failed", "left out")


def summary(results: Sequence[Checked]) -> str:
    """Return the counts in words."""
    total = _group("", "", results)
    return (
        f"{total.graphs} graphs: {total.right} equal torch within their tolerance, {total.wrong} are wrong, "
        f"{total.failed} failed, {total.not_run} were left out; {sum(found.seconds for found in results):.0f} s."
    )


def as_json(results: Sequence[Checked]) -> dict[str, Any]:
    """Return all results and the counts as JSON has them."""
    return {"graphs": [asdict(found) for found in results], "groups": [asdict(group) for group in groups(results)]}


def group_table(found: Sequence[Group]) -> Table:
    """Return the counts as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(
        ("suite", "family", "graphs", "right", "wrong", "failed", "not run", "worst error")
    ):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for group in found:
        counts = (group.graphs, group.right, group.wrong, group.failed, group.not_run)
        table.add_row(group.suite, group.family, *map(str, counts), error_text(group.worst))
    return table


def result_table(results: Sequence[Checked]) -> Table:
    """Return a table with a row for each graph."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("graph")
    table.add_column("status")
    for heading in ("error", "torch's", "kinks", "s", "CPU s"):
        table.add_column(heading, justify="right")
    table.add_column("why")
    for found in results:
        cpu = "" if found.cpu is None else f"{found.cpu:.1f}"
        kinks = str(found.kinks or "")
        cells = (error_text(found.error), error_text(found.torch_error), kinks, f"{found.seconds:.1f}", cpu)
        table.add_row(found.graph, found.status, *cells, found.detail)
    return table


def error_text(error: float | None) -> str:
    """Return an error as the tables show it, empty for none."""
    return "" if error is None else f"{error:.1e}"
