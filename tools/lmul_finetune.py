"""`slipstick-lmul finetune`: a language model fine-tuned with its forward pass in L-Mul, beside exact and fp8."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..errors import ArgumentError
from ..files import write_atomically
from .files import check_writable
from .flags import integer_flag, plot_flag
from .progress import Steps

if TYPE_CHECKING:
    from ..datasets.language.finetune import Arithmetic, Plan, Run

NAME = "finetune"
HELP = "Fine-tune the model of `slipstick-skip train` on clinical notes: L-Mul forward, exact gradients; exact and fp8."

_WIDTH = 108
"""Of the table, where standard output is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add, whole = parser.add_argument, integer_flag(1, 10**6)
    add("folder", type=Path, metavar="FOLDER", help="what `slipstick-skip train` made: text and the model")
    add("--steps", type=whole, default=100, metavar="N", help="of AdamW (default: %(default)s)")
    add("--rows", type=whole, default=8, metavar="N", help="sequences of a batch (default: %(default)s)")
    add("--rate", type=_rate, default=3e-4, metavar="X", help="the highest learning rate (default: %(default)s)")
    add("--held-out", type=whole, default=32, metavar="N", help="sequences judged by (default: %(default)s)")
    add("--seed", type=integer_flag(0, 2**31), default=0, metavar="N", help="of the batches' order (default: 0)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="torch's too (default: %(default)s)")
    add(
        "--output",
        type=Path,
        default=Path("reports/lmul-finetune.json"),
        metavar="FILE",
        help="where each run is kept when it is done; what is there already of the same plan is not run again "
        "(default: %(default)s)",
    )
    plot_flag(parser, "the loss curves")
    add("--json", action="store_true", help="print the figures as JSON instead of a table")


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, found {text!r}")
    return value


def run(arguments: argparse.Namespace, command: str, stderr: Console) -> None:
    """Run what is not there yet, keep it, print the table."""
    for flag in ("output", "picture"):
        if getattr(arguments, flag) is not None:
            check_writable(getattr(arguments, flag), f"--{flag}")
    steps = Steps(stderr)
    with steps.step("load torch, torch-mlir and transformers"):
        from transformers.utils import logging

        from ..datasets.language.finetune import ARITHMETICS, Plan
        from .finetune_table import print_runs

        logging.disable_progress_bar()
    names = ("steps", "rows", "rate", "held_out", "seed", "threads")
    plan = Plan(**{name: getattr(arguments, name) for name in names})
    runs = _read(arguments.output, plan)
    for arithmetic in ARITHMETICS:
        if arithmetic.name not in {one.arithmetic for one in runs}:
            runs.append(_run(arguments.folder, arithmetic, plan, steps))
            _write(arguments.output, command, plan, runs)
    if arguments.picture is not None:
        from .finetune_plots import loss_curves
        from .plots import as_svg, on_its_own

        write_atomically(arguments.picture, on_its_own(as_svg(loss_curves(runs))))
    if arguments.json:
        sys.stdout.write(arguments.output.read_text("utf-8"))
    else:
        print_runs(runs, plan, Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False))


def _run(folder: Path, arithmetic: Arithmetic, plan: Plan, steps: Steps) -> Run:
    from ..datasets.language.finetune import finetune
    from .output import quiet

    with quiet(), steps.step(arithmetic.name, total=plan.steps) as advance:
        return finetune(folder, arithmetic, plan, lambda name, step, loss: advance())


def _read(path: Path, plan: Plan) -> list[Run]:
    """Return the runs that a file holds; none where there is no file. Raises ArgumentError for another plan's."""
    from ..datasets.language.finetune import Run

    if not path.is_file():
        return []
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        runs = [Run(**_with_tuples(one)) for one in found["runs"]]
        same = found["plan"] == asdict(plan)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArgumentError(f"{path}: expected what this command wrote, found something else") from error
    if not same:
        raise ArgumentError(f"{path}: expected runs of this plan, found those of another: choose another --output")
    return runs


def _with_tuples(record: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _write(path: Path, command: str, plan: Plan, runs: list[Run]) -> None:
    made = {"command": command, "plan": asdict(plan), "runs": [asdict(one) for one in runs]}
    write_atomically(path, json.dumps(made, indent=1) + "\n")
