"""`slipstick-bench decisions`: how far the heuristic, a search, a model and chance are from the measured optimum."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from ..compiler.agreement import agreement
from ..compiler.decision_table import DecisionTable, load_tables, save_tables
from ..compiler.kernel_process import KernelProcess
from ..compiler.ranking import Ranking, released_ranker
from ..compiler.ranking_training import groups_of, held_out_rankings
from ..compiler.regret import regret, summary
from ..compiler.search import Search
from ..compiler.search_store import SearchStore
from ..costmodel.ranker import Ranker
from ..costmodel.ranker_training import held_out as predict_held_out
from ..errors import ArgumentError, SlipstickError
from ..kernels.decisions import Decisions
from ..passes.nests import Nest
from ..target import Target
from .bench_decisions_lmul import lmul_pairs, lmul_table
from .bench_decisions_spills import Spilled, spilled
from .bench_decisions_tables import (
    agreement_table,
    family_table,
    nest_table,
    spill_table,
    summary_table,
    surprise_table,
)
from .bench_nests import add_flags, read_sources, text_model
from .files import check_writable
from .flags import integer_flag
from .progress import Steps

GRAPHS = ("matmul-128x768x768", "matmul-8x2048x8192", "softmax-12x128x128", "layernorm-128x768", "gelu-128x3072")
_WIDTH = 170
_BATCH = 8


def decisions(program: str, argv: Sequence[str]) -> int:
    """Measure what the arguments ask for; print tables; return the exit status, 0 where all nests are done."""
    arguments = _parser(program).parse_args(argv)
    for flag in ("json", "plot", "save", "tables"):
        if getattr(arguments, flag) is not None:
            check_writable(getattr(arguments, flag), f"--{flag}")
    if arguments.read and (arguments.graphs or arguments.prepare):
        raise ArgumentError("--from: expected neither graphs nor --prepare beside it")
    console = Console(stderr=True)
    tables, left, count = [table for file in arguments.read for table in load_tables(file)], 0, 0
    if not arguments.read:
        target = Target.resolve(arguments.target)
        if not arguments.prepare and not target.is_host_compatible():
            raise SlipstickError(f"--target: code for {target.cpu} cannot be measured on this machine")
        sources = read_sources(arguments.graphs or GRAPHS, arguments, target)
        nests = list({nest.key: nest for source in sources for nest in source.nests}.values())
        if arguments.prepare:
            return prepare(nests, target, console)
        tables, left = measured(nests, target, arguments.seconds, console)
        count = len(nests)
    if arguments.tables is not None:
        save_tables(tables, arguments.tables)
    _report(tables, arguments)
    if left:
        console.print(f"{left} of {count} nests are left: run the command again to go on")
    return 1 if left else 0


def _report(tables: Sequence[DecisionTable], arguments: argparse.Namespace) -> None:
    """Judge the policies by tables; print, write and draw what is asked for."""
    ranker = released_ranker(arguments.model)
    model = text_model(arguments.model, ranker)
    tables = [table for table in tables if table.codes > 1]
    if not tables:
        return
    rankings = _rankings(tables, ranker, held_out=arguments.held_out)
    if rankings is None:
        found = [regret(table, model) for table in tables]
    else:
        found = [regret(table, None, ranking) for table, ranking in zip(tables, rankings, strict=True)]
    spills: list[Spilled] = []
    if arguments.spills:
        sample = list(zip(tables, found, strict=True))[:: arguments.spills]
        with Steps(Console(stderr=True)).parts("assembly", len(sample)) as part:
            for table, judged in sample:
                with part(table.what):
                    spills += spilled(table, judged, model)
    out = Console(width=None if sys.stdout.isatty() else _WIDTH)
    out.print(nest_table(found))
    if rankings is not None and any(table.family for table in tables):
        out.print(family_table([table.family for table in tables], found))
    out.print(summary_table(found, "families held out" if arguments.held_out else ""))
    if rankings is not None:
        out.print(agreement_table(agreement(tables, rankings)))
    if pairs := lmul_pairs(tables, found):
        out.print(lmul_table(pairs))
    if spills:
        out.print(spill_table(spills))
        if wrong := [one for one in spills if one.is_surprise]:
            out.print(surprise_table(wrong))
    if arguments.save is not None:
        Decisions(one.decided for one in found).save(arguments.save)
    if arguments.json is not None:
        shares = {policy: {str(k): list(v) for k, v in own.items()} for policy, own in summary(found).items()}
        data = {"nests": [one.json() for one in found], "summary": shares, "spills": [vars(one) for one in spills]}
        arguments.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if arguments.plot is not None:
        from .bench_decisions_plot import plot_regret

        plot_regret(found, arguments.plot)


def _rankings(tables: Sequence[DecisionTable], ranker: Ranker | None, *, held_out: bool) -> list[Ranking] | None:
    """Return rankings of the tables' candidates, by rankers that did not see their families if asked for."""
    if held_out:
        return held_out_rankings(tables, predict_held_out(groups_of(tables)))
    if ranker is None:
        return None
    return [Ranking.of(table.nest, table.machine, ranker, table.space) for table in tables]


def prepare(nests: Sequence[Nest], target: Target, console: Console) -> int:
    """Compile all candidates of nests, so that a later run only measures; return the exit status, 0."""
    with Steps(console).parts("compiling", len(nests)) as part:
        for nest in nests:
            with part(nest.description) as tell:
                search = Search(nest, target, SearchStore())
                for number, choice in enumerate(search.space):
                    search.prepare([choice])
                    tell(f"{number + 1} of {len(search.space)} candidates")
    return 0


def measured(nests: Sequence[Nest], target: Target, seconds: int, console: Console) -> tuple[list[DecisionTable], int]:
    """Measure all candidates of the nests until time is up; return the tables of those done, how many are not.

    A nest all of whose candidates become the same code has nothing to decide, and is not among them.
    """
    store, end = SearchStore(), time.monotonic() + seconds
    found: list[DecisionTable] = []
    left = len(nests)
    with Steps(console).parts("nests", len(nests)) as part, KernelProcess() as process:
        for nest in nests:
            with part(nest.description) as tell:
                try:
                    if time.monotonic() > end:
                        continue
                    search = Search(nest, target, store, process=process)
                    if _complete(search, end, tell):
                        left -= 1
                        found += [search.table()] if search.codes > 1 else []
                except SlipstickError as problem:
                    left -= 1
                    console.print(f"{nest.description}: {problem}")
    return found, left


def _complete(search: Search, end: float, tell: Callable[[str], None]) -> bool:
    """Measure candidates one batch after the other; tell whether there are none left."""
    left = list(search.space)
    while left and time.monotonic() < end:
        search.measure(left[:_BATCH])
        left = left[_BATCH:]
        tell(f"{len(search.space) - len(left)} of {len(search.space)} candidates")
    if not left and time.monotonic() < end:
        search.settle()
    return not left


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure every candidate decision of the nests of graphs, and compare what each policy chooses "
        "with the best. Records are kept: a command that was ended goes on where it was.",
    )
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="graphs as `list` shows them, or MLIR files (default: five kernels)")
    add_flags(parser)
    add("--prepare", action="store_true", help="only compile the candidates, so that a later run only measures")
    add("--from", type=Path, action="append", default=[], dest="read", metavar="FILE", help=_FROM)
    add("--held-out", action="store_true", help=_HELD_OUT)
    add("--tables", type=Path, metavar="FILE", help="write all that was measured, for --from")
    add("--spills", type=integer_flag(1, 10**6), nargs="?", const=1, metavar="N", help=_SPILLS)
    add("--seconds", type=integer_flag(1, 10**6), default=600, metavar="S", help=_SECONDS)
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add("--save", type=Path, metavar="FILE", help="write the best decisions, for slipstick.compile(schedule=FILE)")
    add("--plot", type=Path, metavar="FILE", help="draw them (svg, png or pdf)")
    return parser


_HELD_OUT = "judge by rankers trained on the tables of all other families, not by the one slipstick ships"
_SPILLS = "count what the assembly of the chosen kernels spills, of each nest or of each N-th"
_SECONDS = "seconds after which no further candidate is measured (default: %(default)s)"
_FROM = "judge by what --tables wrote, and measure nothing; may be given more than once"
