"""`slipstick-bench dynamo`: models of transformers through `torch.compile(model, backend="slipstick")`.

For each model, in inference and in a training step (loss, gradients, an optimiser's step): how many graphs dynamo
makes, how often it breaks one in two, how many more calls of the same shapes make anew, how many operations are
compiled, how many kinds torch runs, how far results and gradients lie from eager's, and the time of a warm call beside
eager's and inductor's, medians of rounds in turns.

  slipstick-bench dynamo                       thirteen architectures in their small form, not timed
  slipstick-bench dynamo bert-base-1x128 --repeats 11
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.graphs import graph
from .bench_dynamo_measure import Measured, Mode, measure
from .bench_table import duration
from .flags import integer_flag

ARCHITECTURES = (
    "bert-base-1x128",
    "roberta-base-1x128",
    "distilbert-base-1x128",
    "opt-125m-prefill-1x128",
    "gpt2-prefill-1x128",
    "llama-135m-prefill-1x128",
    "qwen2.5-0.5b-prefill-1x128",
    "t5-small",
    "bart-base",
    "vit-base-patch16-224",
    "mixtral-4x-prefill-1x128",
    "whisper-tiny",
    "clip-vit-base-patch32",
)
"""Encoders, decoders, encoders with decoders, a vision transformer, a mixture of experts, speech, text and images."""
TOLERANCE = 1e-4
_TEXTS = ("graphs", "breaks", "anew", "compiled", "torch", "error")
_SUBJECTS = ("slipstick", "eager", "inductor")
HEADINGS = ("model", "", *_TEXTS, *_SUBJECTS, "of eager", "of inductor")


def bench_dynamo(program: str, argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status: 1 where a result is wrong."""
    return _run(_parser(program).parse_args(argv))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("graphs", nargs="*", metavar="GRAPH", help="names as `slipstick-bench list` shows them, sizes behind a colon")
    add("--repeats", type=integer_flag(0, 10**6), default=0, metavar="N", help="timed rounds (default: none)")
    add("--threads", type=integer_flag(1, 1024), default=1, metavar="N", help="default: 1")
    add("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add("--no-inductor", action="store_true", help="leave inductor, which compiles slowly, out")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    names = arguments.graphs or [f"{name}:small" for name in ARCHITECTURES]
    chosen = [graph(name) for name in names]
    inductor = arguments.repeats > 0 and not arguments.no_inductor
    rows = []
    for number, one in enumerate(chosen):
        sys.stderr.write(f"[{number + 1}/{len(chosen)}] {one.name}\n")
        rows.append(measure(one, inductor=inductor, repeats=arguments.repeats, threads=arguments.threads))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=160, highlight=False)
    console.print(table(rows))
    for line in notes(rows):
        console.print(line, soft_wrap=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(data(rows), indent=1) + "\n", encoding="utf-8")
    wrong = [row.graph for row in rows if not max(row.inference.error, row.step.error) <= TOLERANCE]
    if wrong:
        console.print(f"not equal to eager within {TOLERANCE:.0e}: {', '.join(wrong)}", style="red")
    return 1 if wrong else 0


def table(rows: Sequence[Measured]) -> Table:
    """Return a table with two lines for each model."""
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        found.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        found.add_row(row.graph, "inference", *_cells(row.inference))
        found.add_row("", "training step", *_cells(row.step))
    return found


def _cells(mode: Mode) -> list[str]:
    compiled, operations = mode.operations
    times = [duration(mode.seconds[name]) if name in mode.seconds else "" for name in _SUBJECTS]
    speeds = [mode.speed(name) for name in ("eager", "inductor")]
    shown = ["" if speed is None else f"{speed:.2f}x" for speed in speeds]
    counts = [str(len(mode.reports)), str(mode.breaks), str(mode.recompiled), f"{compiled} of {operations}"]
    return [*counts, str(len(mode.fallbacks)), f"{mode.error:.0e}", *times, *shown]


def data(rows: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return what `--json` writes: for each model and mode what the table says of it, times in seconds."""
    found = []
    for row in rows:
        for name, mode in (("inference", row.inference), ("training step", row.step)):
            compiled, operations = mode.operations
            found.append(
                {
                    "model": row.graph,
                    "mode": name,
                    "graphs": len(mode.reports),
                    "breaks": mode.breaks,
                    "recompiled": mode.recompiled,
                    "operations": operations,
                    "compiled": compiled,
                    "fallbacks": list(mode.fallbacks),
                    "error": mode.error,
                    "kinks": mode.kinks,
                    "seconds": mode.seconds,
                }
            )
    return found


def notes(rows: Sequence[Measured]) -> list[str]:
    """Return what torch runs of each model, and the geometric means of speeds."""
    found = []
    for row in rows:
        left = dict.fromkeys((*row.inference.fallbacks, *row.step.fallbacks))
        if left:
            found.append(f"{row.graph}: torch runs {', '.join(left)}")
        if row.step.kinks:
            found.append(f"{row.graph}: {row.step.kinks} inputs of ReLU so near to 0 that either gradient is right")
    for what, modes in (("inference", [row.inference for row in rows]), ("training step", [row.step for row in rows])):
        for name in ("eager", "inductor"):
            speeds = [speed for mode in modes if (speed := mode.speed(name)) is not None]
            if speeds:
                mean = math.exp(sum(map(math.log, speeds)) / len(speeds))
                found.append(f"{what}: {mean:.2f}x {name}, geometric mean of {len(speeds)}")
    return found
