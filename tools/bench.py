"""`slipstick-bench`: whole models, compiled exactly and with L-Mul, timed beside torch eager.

Every model is checked against torch before it is timed. All subjects run in one process, interleaved, with the same
threads; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from .command import guarded
from .flags import integer_flag
from .progress import Steps

PROGRAM = "slipstick-bench"
MODELS = ("encoder", "bert-base", "gpt2", "opt-125m", "llama-135m")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark with `argv` (default: the command line); return the exit status, 0 or 1 (2: wrong flag)."""
    arguments = _parser().parse_args(argv)
    return guarded(PROGRAM, lambda: _run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help=f"any of {', '.join(MODELS)} (default: all)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="torch's too (default: %(default)s)")
    add("--repeats", type=integer_flag(1, 10**6), default=15, metavar="N", help="timed calls (default: %(default)s)")
    add("--compile", action="store_true", help="time compilation instead: cold, and in a second process")
    add("--json", action="store_true", help="print the figures as JSON instead of a table")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    unknown = [name for name in arguments.models if name not in MODELS]
    if unknown:
        sys.stderr.write(f"{PROGRAM}: error: expected any of {', '.join(MODELS)}, found {unknown[0]!r}\n")
        return 2
    steps = Steps(Console(stderr=True))
    with steps.step("load torch, torch-mlir and transformers"):
        from .bench_compile import compilation_table, measure_compilation
        from .bench_models import measure
        from .environment import describe_environment

        environment = describe_environment()
    names = arguments.models or MODELS
    if arguments.compile:
        results = {name: measure_compilation(name, arguments.threads, steps) for name in names}
    else:
        results = {name: measure(name, arguments.threads, arguments.repeats, steps) for name in names}
    if arguments.json:
        figures = {"threads": arguments.threads, "environment": str(environment), "models": results}
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return 0
    console = Console()
    if arguments.compile:
        console.print(compilation_table(results))
        about = "Seconds. Second process: slipstick.compile of the linalg text, its code found in the cache."
        console.print(f"{about}\n{environment}", style="dim", highlight=False)
        return 0
    console.print(_table(results))
    about = (
        f"Medians of {arguments.repeats} interleaved calls, threads: {arguments.threads}. L-Mul: everywhere, k = 4, "
        "finite. Error: the largest difference from torch of an element of the result."
    )
    console.print(f"{about}\n{environment}", style="dim", highlight=False)
    return 0


def _table(results: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("model", "", "ms a call", "speed", "error", "compile, s"):
        table.add_column(heading, justify="left" if heading in ("model", "") else "right")
    for model, result in results.items():
        for subject, figures in result["subjects"].items():
            seconds = figures["seconds_a_call"]
            table.add_row(
                model if subject == "torch eager" else "",
                subject,
                f"{seconds['median'] * 1e3:.1f}",
                f"{result['subjects']['torch eager']['seconds_a_call']['median'] / seconds['median']:.2f}x",
                f"{figures['largest_error']:.1e}" if "largest_error" in figures else "",
                f"{figures['compile_seconds']:.1f}{' (cached)' if figures['from_cache'] else ''}"
                if "compile_seconds" in figures
                else "",
            )
        table.add_section()
    return table
