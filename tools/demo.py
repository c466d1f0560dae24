"""`slipstick-demo`: a trained sentence encoder, compiled exactly and with L-Mul, beside torch.

Compiles the encoder three times, encodes the sentences that ship with slipstick, and shows error, agreement of nearest
neighbours, speed, multiplies rewritten and estimated energy: a table on standard output, an HTML report in a file.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..files import write_atomically
from .command import add_version, guarded
from .files import check_writable
from .flags import integer_flag, plot_flag
from .progress import Steps

PROGRAM = "slipstick-demo"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo with `argv` (default: the command line); return the exit status, 0 or 1 (2 for a wrong flag)."""
    argv = sys.argv[1:] if argv is None else list(argv)
    arguments = _parser().parse_args(argv)
    return guarded(PROGRAM, lambda: _run(arguments, shlex.join([PROGRAM, *argv]), Console(stderr=True)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=(__doc__ or "").partition("\n\n")[2])
    add_version(parser)
    add = parser.add_argument
    add("--model", type=Path, metavar="FOLDER", help="a local Hugging Face folder (default: the built-in encoder)")
    add("--batch", type=integer_flag(1, 4096), default=8, metavar="N", help="sentences a call (default: %(default)s)")
    add(
        "--tokens",
        type=integer_flag(2, 1 << 20),
        default=64,
        metavar="N",
        help="tokens of a sentence, cut off or padded (default: %(default)s)",
    )
    add(
        "--mantissa-bits",
        type=integer_flag(1, 23),
        default=4,
        metavar="K",
        help="mantissa bits that L-Mul keeps (default: %(default)s)",
    )
    add(
        "--specials",
        choices=("finite", "ieee"),
        default="finite",
        help="L-Mul's policy for zeros, infinities and NaNs (default: %(default)s, the fast one)",
    )
    add(
        "--threads",
        type=integer_flag(1, 1024),
        default=1,
        metavar="N",
        help="threads, torch's too (default: %(default)s)",
    )
    add("--repeats", type=integer_flag(1, 10**6), default=15, metavar="N", help="timed batches (default: %(default)s)")
    add(
        "--sentences",
        type=integer_flag(2, 10**6),
        metavar="N",
        help="encode only the first N of the sentences (default: all)",
    )
    add(
        "--output",
        type=Path,
        default=Path("reports/demo.html"),
        metavar="FILE",
        help="the HTML report (default: %(default)s)",
    )
    plot_flag(parser, "the plot of errors")
    add("--cache-dir", type=Path, metavar="FOLDER", help="where compiled code is kept (default: the user's cache)")
    add("--json", action="store_true", help="print the figures as JSON instead of a table")
    add("--no-report", action="store_true", help="write no HTML report")
    return parser


def _run(arguments: argparse.Namespace, command: str, stderr: Console) -> int:
    if not arguments.no_report:
        check_writable(arguments.output, "--output")
    if arguments.picture is not None:
        check_writable(arguments.picture, "--plot")
    steps = Steps(stderr)
    with steps.step("load torch, torch-mlir and transformers"):
        # Slow to import: after the arguments are known to be right, and with something to look at.
        from .demo_plots import error_distribution
        from .demo_report import report
        from .demo_run import run_demo
        from .demo_table import print_table
        from .plots import on_its_own
    results = run_demo(arguments, command, steps)
    if not arguments.no_report:
        with steps.step("write the report"):
            write_atomically(arguments.output, report(results))
    if arguments.picture is not None:
        write_atomically(arguments.picture, on_its_own(error_distribution(results)))
    if arguments.json:
        sys.stdout.write(json.dumps(results.as_dict(), indent=2) + "\n")
    else:
        print_table(results, Console())
    if not arguments.no_report:
        stderr.print(f"Report: {arguments.output}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
