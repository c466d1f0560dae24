"""`slipstick-bench`: compiled graphs timed beside torch eager and other compilers and run times.

Every subject's results are compared with torch's before it is timed; all subjects of a graph run in turns in one
process, with the same threads; the figures are medians. The machine's own limits are measured in the same run.

  slipstick-bench generate MODEL         text generation, SkipDecode's depths and schedules: see generate --help
  slipstick-bench depth-change [MODEL]   what a step costs that runs at another depth than the one before
  slipstick-bench dynamo                 models through torch.compile(backend="slipstick"): see dynamo --help
  slipstick-bench list                   the graphs, or one with its sizes: [NAME], --family, --tag, --suite, --json
  slipstick-bench export NAME -o FILE    a graph as MLIR: --set tokens=64, --small, --level
  slipstick-bench decisions [GRAPH]      how far the policies are from the measured optimum, kernel by kernel
  slipstick-bench explain GRAPH          the candidates of its kernels, what is predicted and measured of each
  slipstick-bench check                  compile graphs in true sizes, compare with torch: --suite, --record FILE
  slipstick-bench adapter-cost           what adapters add to the base model's time
  slipstick-bench peft-coverage          which methods of parameter-efficient tuning have which graphs
  slipstick-bench limits                 only what the machine can do at most
  slipstick-bench show FILE.json         the tables of an earlier run, or with --html its report
"""

from __future__ import annotations

import argparse
import difflib
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from ..errors import ArgumentError
from .command import add_version, guarded
from .files import check_writable
from .flags import integer_flag

PROGRAM = "slipstick-bench"
SUITE_NAMES = ("core", "products", "elementwise", "models", "prefill", "decode", "zoo", "peft", "medcalc")

_COMMANDS = {
    "generate": ("bench_generate", "bench_generate"),
    "depth-change": ("bench_depth_change", "depth_change"),
    "dynamo": ("bench_dynamo", "bench_dynamo"),
    "list": ("bench_list", "list_graphs"),
    "export": ("bench_export", "export"),
    "decisions": ("bench_decisions", "decisions"),
    "explain": ("bench_explain", "explain"),
    "check": ("bench_check", "check"),
    "adapter-cost": ("bench_adapters", "adapter_cost"),
}
"""Modules and functions of the commands with flags of their own."""
_NAMES = (*_COMMANDS, "peft-coverage", "limits", "show")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark with `argv` (default: the command line); return the exit status, 0 or 1 (2: wrong flag)."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given and given[0] in _COMMANDS:
        module, function = _COMMANDS[given[0]]

        def work() -> int:
            command: Callable[[str, Sequence[str]], int] = getattr(import_module(f".{module}", __package__), function)
            return command(f"{PROGRAM} {given[0]}", given[1:])

        return guarded(f"{PROGRAM} {given[0]}", work)
    arguments = _parser().parse_args(given)
    arguments.command = shlex.join([PROGRAM, *given])
    return guarded(PROGRAM, lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_version(parser)
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="names as `list` shows them, sizes behind a colon")
    add("--suite", choices=SUITE_NAMES, default="core", help="graphs to measure (default: %(default)s)")
    add("--threads", type=_threads, default=(1,), metavar="N[,N]", help="numbers of threads, each a row (default: 1)")
    add("--repeats", type=integer_flag(1, 10**6), default=15, metavar="N", help="timed rounds (default: %(default)s)")
    add("--peers", default="all", metavar="NAMES", help="all, none, or names with commas (default: %(default)s)")
    add("--lmul", action="store_true", help="L-Mul everywhere, k = 4, finite, too")
    add("--weights", type=_weights, default=(), metavar="KIND[,KIND]", help="narrower weights, too: bf16, lm8")
    add("--schedules", type=_schedules, default=(), metavar="POLICY[,POLICY]", help=_SCHEDULES)
    add("--target", default="host", metavar="CPU", help="compile for this CPU, as LLVM names it (default: %(default)s)")
    add("--compile", action="store_true", help="time compilation instead: cold, again, and inductor's")
    add("--memory", action="store_true", help="measure the peak of memory instead")
    add("--overhead", action="store_true", help="measure what a call costs instead")
    add("--no-limits", action="store_true", help="do not measure the machine's limits")
    add("--budget", type=integer_flag(1, 10**6), default=120, metavar="S", help=f"{_BUDGET} (default: %(default)s)")
    add("--limit", type=integer_flag(1, 10**6), default=900, metavar="S", help=f"{_LIMIT} (default: %(default)s)")
    add("--json", metavar="FILE", help="write the figures as JSON; -: to standard output, instead of tables")
    add("--html", type=Path, metavar="FILE", help="write a report with plots, one file")
    return parser


_SCHEDULES = "kernels as other policies decide them, too: model, search"
_BUDGET = "seconds of timing a row after which five rounds are enough"
_LIMIT = "seconds that preparing a subject, or one turn of it, may take"


def _threads(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(integer_flag(1, 1024)(part) for part in text.split(",")))


def _weights(text: str) -> tuple[str, ...]:
    for part in text.split(","):
        if part not in ("bf16", "lm8"):
            raise argparse.ArgumentTypeError(f"expected bf16 or lm8, found {part!r}")
    return tuple(dict.fromkeys(text.split(",")))


def _schedules(text: str) -> tuple[str, ...]:
    for part in text.split(","):
        if part not in ("model", "search"):
            raise argparse.ArgumentTypeError(f"expected model or search, found {part!r}")
    return tuple(dict.fromkeys(text.split(",")))


def _run(arguments: argparse.Namespace) -> int:
    for path, flag in ((arguments.html, "--html"), (arguments.json, "--json")):
        if path is not None and path != "-":
            check_writable(Path(path), flag)
    first = arguments.graphs[0] if arguments.graphs else ""
    _refuse_misspelt(first)
    if first == "peft-coverage":
        from .bench_peft import print_coverage

        return print_coverage()
    from .bench_run import run, show

    if first == "show":
        return show(arguments)
    return run(arguments, limits_only=first == "limits")


def _refuse_misspelt(first: str) -> None:
    """Raise ArgumentError for what is no graph and nearly a command."""
    near = difflib.get_close_matches(first, _NAMES, n=1, cutoff=0.7)
    if not near or first in _NAMES:
        return
    from ..datasets.graphs import graph

    try:
        graph(first)
    except ArgumentError:
        raise ArgumentError(f"expected a graph or a command such as {near[0]}, found {first!r}") from None


if __name__ == "__main__":
    sys.exit(main())
