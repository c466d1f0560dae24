"""`slipstick-medcalc`: the clinical calculators of MedCalc-Bench as graphs, judged on its rows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from .command import add_version, guarded
from .flags import integer_flag
from .progress import Steps

PROGRAM: Final = "slipstick-medcalc"
_WIDTH: Final = 160


def main(argv: Sequence[str] | None = None) -> int:
    """Run with `argv` (default: the command line); return the exit status, 0 or 1 (2 for a wrong flag)."""
    arguments = _parser().parse_args(argv)
    return guarded(PROGRAM, lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe, lines are as long as the tables need.
        console = Console(width=_WIDTH)
    if arguments.command == "list":
        _list(console, arguments.json)
    elif arguments.command == "bench":
        _bench(console, arguments)
    elif arguments.command == "prompts":
        from .medcalc_prompts import show_prompts

        show_prompts(console, arguments)
    else:
        _evaluate(console, arguments)
    return 0


def _list(console: Console, as_json: bool) -> None:
    from ..datasets.medcalc.registry import CALCULATORS
    from .medcalc_table import calculators, described

    if as_json:
        sys.stdout.write(json.dumps([described(found) for found in CALCULATORS.values()], ensure_ascii=False) + "\n")
    else:
        console.print(calculators(CALCULATORS.values()).printed())


def _bench(console: Console, arguments: argparse.Namespace) -> None:
    steps = Steps(Console(stderr=True))
    with steps.step("load torch"):
        from ..datasets.medcalc.registry import CALCULATORS
        from . import medcalc_bench
    rows = []
    wanted = [(number, threads) for threads in arguments.threads for number in medcalc_bench.CALCULATORS_TIMED]
    with steps.parts("measure", len(wanted)) as part:
        for number, threads in wanted:
            with part(f"{CALCULATORS[number].name}, {threads} thread{'s' * (threads > 1)}"):
                rows.append(medcalc_bench.measure(number, arguments.patients, threads, arguments.repeats))
    if arguments.json:
        sys.stdout.write(json.dumps([row.as_json() for row in rows], ensure_ascii=False) + "\n")
        return
    console.print(medcalc_bench.table(rows))
    for note in medcalc_bench.notes(rows):
        console.print(note, highlight=False, markup=False)


def _evaluate(console: Console, arguments: argparse.Namespace) -> None:
    steps = Steps(Console(stderr=True))
    with steps.step("load torch"):
        from ..datasets.medcalc.arithmetic import variants
        from ..datasets.medcalc.evaluate import prepare
        from ..datasets.medcalc.rows import fetch, load
        from ..datasets.medcalc.survival import compare
    from . import medcalc_table
    from .medcalc_survival import survival, why_whole_numbers

    _check_files(arguments)
    with steps.step("read the rows"):
        rows = load(arguments.csv) if arguments.csv else fetch(arguments.store, arguments.sha256)
        prepared = prepare(rows)
    with steps.step("compile and evaluate"):
        comparison = compare(prepared, variants(arguments.lmul, fp8=arguments.fp8))
    if arguments.plot:
        from .medcalc_plot import save, survival_figure

        save(survival_figure(comparison), arguments.plot)
    if arguments.html:
        from ..files import write_atomically
        from .medcalc_report import report

        write_atomically(arguments.html, report(comparison))
    if arguments.json:
        result = {"evaluation": comparison.evaluations[0].as_json(), "comparison": comparison.as_json()}
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        return
    tables = [
        medcalc_table.agreement(comparison.evaluations[0]),
        medcalc_table.disagreements(comparison.evaluations[0]),
        *filter(None, [medcalc_table.unreadable(comparison.evaluations[0])]),
    ]
    if len(comparison.evaluations) > 1:
        tables += [survival(comparison), why_whole_numbers(comparison)]
    for table in tables:
        console.print(table.printed())
    console.print(medcalc_table.summary(comparison), highlight=False)


def _check_files(arguments: argparse.Namespace) -> None:
    """Raise ArgumentError where a file that is asked for cannot be written, before the work is done."""
    from .files import check_writable
    from .medcalc_plot import check_format

    for path, flag in ((arguments.plot, "--plot"), (arguments.html, "--html")):
        if path is not None:
            check_writable(path, flag)
    if arguments.plot is not None:
        check_format(arguments.plot)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=__doc__)
    add_version(parser)
    choices = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    listing = choices.add_parser("list", help="list the calculators, their inputs and sources")
    listing.add_argument("--json", action="store_true", help="print JSON")
    bench = choices.add_parser("bench", help="time calculators on very many patients beside torch and torch.compile")
    whole = integer_flag(1, 10**9)
    bench.add_argument("--patients", type=whole, default=1_000_000, metavar="N", help="default: %(default)s")
    bench.add_argument("--threads", type=integer_flag(1, 1024), nargs="*", default=[1], metavar="N", help="default: 1")
    bench.add_argument("--repeats", type=whole, default=15, metavar="N", help="timed rounds (default: %(default)s)")
    bench.add_argument("--json", action="store_true", help="print JSON")
    prompts = choices.add_parser("prompts", help="how long the notes with their questions are, and their text")
    prompts.add_argument("--data", "--csv", type=Path, metavar="PATH", required=True, help="the data set's CSV")
    prompts.add_argument(
        "--tokenizer", type=Path, metavar="PATH", help="a tokenizer.json or its folder (default: words and marks)"
    )
    prompts.add_argument("--json", action="store_true", help="print JSON instead of tables")
    prompts.add_argument("--plot", type=Path, metavar="PATH", help="write the histogram as SVG")
    prompts.add_argument("--corpus", type=Path, metavar="PATH", help="write all prompts as one text")
    judge = choices.add_parser("evaluate", help="run every row of the data set, compare with its labels, say why not")
    judge.add_argument("--csv", type=Path, metavar="PATH", help="the data set's CSV (default: fetch the official one)")
    judge.add_argument(
        "--store",
        type=Path,
        metavar="PATH",
        default=Path("medcalc_bench.csv"),
        help="where to fetch to (default: %(default)s)",
    )
    judge.add_argument("--sha256", metavar="SUM", help="what the fetched file must have")
    judge.add_argument(
        "--lmul",
        type=integer_flag(1, 23),
        nargs="*",
        default=[],
        metavar="K",
        help="also with L-Mul at these numbers of mantissa bits",
    )
    judge.add_argument("--fp8", action="store_true", help="also with operands of multiplies rounded to e4m3 and e5m2")
    judge.add_argument("--json", action="store_true", help="print JSON instead of tables")
    judge.add_argument("--plot", type=Path, metavar="PATH", help="write a plot of the arithmetics: .svg or .png")
    judge.add_argument("--html", type=Path, metavar="PATH", help="write a report with tables and plot, one file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
