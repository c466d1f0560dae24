"""`slipstick-lmul study`: what L-Mul does to the embeddings of a trained encoder, beside bf16 and fp8."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from ..files import write_atomically
from .files import check_writable
from .flags import integer_flag, plot_flag
from .progress import Steps

NAME = "study"
HELP = "Measure a trained encoder with L-Mul, bf16 and fp8 against float32, and judge the claims of the paper."

_WIDTH = 104
"""Of the tables, where standard output is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add = parser.add_argument
    add("--quick", action="store_true", help="only what the claims need: the paper's k = 3 and 4, and the baselines")
    add("--model", type=Path, metavar="FOLDER", help="a local Hugging Face folder (default: the built-in encoder)")
    add(
        "--sentences",
        type=integer_flag(3, 10**6),
        metavar="N",
        help="encode only the first N of the sentences (default: all)",
    )
    add("--batch", type=integer_flag(1, 4096), default=8, metavar="N", help="sentences a call (default: %(default)s)")
    add(
        "--tokens",
        type=integer_flag(2, 1 << 20),
        default=48,
        metavar="N",
        help="tokens of a sentence, cut off or padded (default: %(default)s, which holds all of them)",
    )
    add(
        "--threads",
        type=integer_flag(1, 1024),
        default=1,
        metavar="N",
        help="threads, torch's too (default: %(default)s)",
    )
    add(
        "--output",
        type=Path,
        default=Path("reports/lmul-study.html"),
        metavar="FILE",
        help="the HTML report (default: %(default)s)",
    )
    add(
        "--results",
        type=Path,
        metavar="FILE",
        help="where each result is kept as it comes, as a line of JSON; what is there already and was made by the same "
        "program in the same setting is not made again (default: the report's name, ending in .jsonl)",
    )
    plot_flag(parser, "the plot of cosine errors")
    add("--cache-dir", type=Path, metavar="FOLDER", help="where compiled code is kept (default: the user's cache)")
    add("--json", action="store_true", help="print the figures as JSON instead of tables")


def run(arguments: argparse.Namespace, command: str, stderr: Console) -> None:
    """Measure, print and write the report; the rules that decide the claims are printed first, to `stderr`."""
    if arguments.results is None:
        arguments.results = arguments.output.with_suffix(".jsonl")
    for flag in ("output", "results", "picture"):
        if getattr(arguments, flag) is not None:
            check_writable(getattr(arguments, flag), f"--{flag}")
    steps = Steps(stderr)
    with steps.step("load torch, torch-mlir and transformers"):
        # Slow to import: after the arguments are known to be right, and with something to look at.
        from .plots import on_its_own
        from .study_plots import cosine_errors
        from .study_report import report
        from .study_run import run_study
        from .study_table import print_results, print_rules
    print_rules(stderr)
    results = run_study(arguments, command, steps)
    with steps.step("write the report"):
        write_atomically(arguments.output, report(results))
    if arguments.picture is not None:
        write_atomically(arguments.picture, on_its_own(cosine_errors(results)))
    if arguments.json:
        sys.stdout.write(json.dumps(results.as_dict(), indent=2) + "\n")
    else:
        print_results(results, Console(width=None if sys.stdout.isatty() else _WIDTH))
    stderr.print(f"Report: {arguments.output}; results: {arguments.results}", highlight=False)
