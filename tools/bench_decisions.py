"""`slipstick-bench decisions`: how far the heuristic, a search, a model and chance are from the measured optimum."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.regret import NestRegret, regret, summary
from ..compiler.search import Search
from ..compiler.search_store import SearchStore
from ..costmodel.predictor import Predictor
from ..errors import SlipstickError
from ..kernels.decisions import Decisions
from ..passes.nests import Nest
from ..target import Target
from .bench_nests import add_flags, choice_text, cost_model, read_sources
from .files import check_writable
from .flags import integer_flag
from .progress import Steps

GRAPHS = ("matmul-128x768x768", "matmul-8x2048x8192", "softmax-12x128x128", "layernorm-128x768", "gelu-128x3072")


def decisions(program: str, argv: Sequence[str]) -> int:
    """Measure what the arguments ask for; print tables; return the exit status, 0 where all nests are done."""
    arguments = _parser(program).parse_args(argv)
    for flag in ("json", "plot", "save"):
        if getattr(arguments, flag) is not None:
            check_writable(getattr(arguments, flag), f"--{flag}")
    target = Target.resolve(arguments.target)
    if not target.is_host_compatible():
        raise SlipstickError(f"--target: code for {target.cpu} cannot be measured on this machine")
    model = cost_model(arguments.model)
    console = Console(stderr=True)
    sources = read_sources(arguments.graphs or GRAPHS, arguments, target)
    nests = {nest.key: nest for source in sources for nest in source.nests}
    found, left = _measured(list(nests.values()), target, model, arguments.seconds, console)
    if found:
        out = Console(width=None if sys.stdout.isatty() else _WIDTH)
        out.print(nest_table(found))
        out.print(summary_table(found))
    if arguments.save is not None:
        Decisions(one.decided for one in found).save(arguments.save)
    if arguments.json is not None:
        table = {policy: {str(k): list(v) for k, v in own.items()} for policy, own in summary(found).items()}
        data = {"target": target.cpu, "nests": [one.json() for one in found], "summary": table}
        arguments.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if arguments.plot is not None and found:
        from .bench_decisions_plot import plot_regret

        plot_regret(found, arguments.plot)
    if left:
        console.print(f"{left} of {len(nests)} nests are left: run the command again to go on")
    return 1 if left else 0


_WIDTH = 170


def _measured(
    nests: Sequence[Nest], target: Target, model: Predictor | None, seconds: int, console: Console
) -> tuple[list[NestRegret], int]:
    """Measure all candidates of the nests until time is up; return those that are complete, and how many are not.

    A nest all of whose candidates become the same code has nothing to decide, and is not among them.
    """
    store, end = SearchStore(), time.monotonic() + seconds
    found: list[NestRegret] = []
    left = len(nests)
    with Steps(console).parts("nests", len(nests)) as part:
        for nest in nests:
            with part(nest.description) as tell:
                try:
                    search = Search(nest, target, store)
                    if _complete(search, end, tell):
                        left -= 1
                        if search.codes > 1:
                            found.append(regret(search, model))
                except SlipstickError as problem:
                    left -= 1
                    console.print(f"{nest.description}: {problem}")
    return found, left


def _complete(search: Search, end: float, tell: object) -> bool:
    """Measure candidates one batch after the other; tell whether there are none left."""
    left = list(search.space)
    size = 8
    while left and time.monotonic() < end:
        search.measure(left[:size])
        left = left[size:]
        if callable(tell):
            tell(f"{len(search.space) - len(left)} of {len(search.space)} candidates")
    if not left and time.monotonic() < end:
        search.settle()
    return not left


def nest_table(found: Sequence[NestRegret]) -> Table:
    """Return a table with a line for each nest; shares of the optimum in percent."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"decisions on {found[0].target}", title_justify="left")
    headings = (
        "nest",
        "candidates (kernels)",
        "heuristic µs",
        "best µs",
        "heuristic %",
        "random %",
        "search 5 %",
        "best choice",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("nest", "best choice") else "right")
    for one in found:
        shares = one.shares
        numbers = (shares["heuristic"][0], shares["random"][0], shares["search"][5])
        times = (f"{seconds * 1e6:.1f}" for seconds in (one.heuristic_s, one.best_s))
        best = "the heuristic's" if one.best == one.heuristic else choice_text(one.best)
        table.add_row(
            one.what, f"{one.candidates} ({one.codes})", *times, *(f"{100 * share:.1f}" for share in numbers), best
        )
    return table


def summary_table(found: Sequence[NestRegret]) -> Table:
    """Return a table of geometric means and worst cases, by policy and number of measurements."""
    tables = summary(found)
    title = f"share of the measured optimum over {len(found)} nests, %: geometric mean (worst)"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    counts = sorted({k for own in tables.values() for k in own})
    for heading in ("policy", *(f"{k} measured" for k in counts)):
        table.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for policy, own in tables.items():
        cells = [f"{100 * own[k][0]:.1f} ({100 * own[k][1]:.1f})" if k in own else "" for k in counts]
        table.add_row(policy, *cells)
    return table


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure every candidate decision of the nests of graphs, and compare what each policy chooses "
        "with the best. Records are kept: a command that was ended goes on where it was.",
    )
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="graphs as `list` shows them, or MLIR files (default: five kernels)")
    add_flags(parser)
    add("--seconds", type=integer_flag(1, 10**6), default=600, metavar="S", help=_SECONDS)
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add("--save", type=Path, metavar="FILE", help="write the best decisions, for slipstick.compile(schedule=FILE)")
    add("--plot", type=Path, metavar="FILE", help="draw them (svg, png or pdf)")
    return parser


_SECONDS = "seconds after which no further candidate is measured (default: %(default)s)"
