"""`slipstick-cost predict` and `compare`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.prediction import MOST_BYTES, KernelPrediction
from ..compiler.prediction import predict as predict_module
from ..costmodel.labels import LABELS
from ..costmodel.predictor import Prediction
from ..costmodel.released import FOLDER, load
from ..errors import ArgumentError

_NAMES = {label.name: label.name.replace("_", " ") for label in LABELS}


def predict(arguments: argparse.Namespace) -> int:
    """Print what is predicted of a file; return the exit status."""
    found = read_and_predict(arguments.file, arguments)
    if arguments.json:
        print(json.dumps([one.json() for one in found], indent=1))
        return 0
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"predicted for {found[0].target}", title_justify="left")
    table.add_column("function")
    table.add_column("kernel")
    for name in _NAMES.values():
        table.add_column(name, justify="right")
    for one in found:
        shown = [show(one.predicted.predictions[name], arguments.interval) for name in _NAMES]
        doubtful = " ?" if one.predicted.unsure else ""
        table.add_row(one.function, (one.kernel or "all") + doubtful, *shown, end_section=not one.kernel)
    console.print(table)
    for one in found:
        if one.kernel and one.predicted.unsure:
            console.print(f"? {one.function}, kernel {one.kernel}: {'; '.join(one.predicted.unsure)}")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Print the predictions of two files side by side, function by function in order; return the exit status."""
    both = [[one for one in read_and_predict(file, arguments) if _is_whole(one)] for file in arguments.files]
    if arguments.json:
        print(json.dumps([[one.json() for one in found] for found in both], indent=1))
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"predicted for {both[0][0].target}", title_justify="left")
    for heading in ("function", "quantity", *arguments.files, "ratio"):
        table.add_column(heading, justify="left" if heading in ("function", "quantity") else "right")
    for first, second in zip(*both, strict=False):
        for name, shown in _NAMES.items():
            one, other = (found.predicted.predictions[name] for found in (first, second))
            ratio = f"{other.value / one.value:.2f}" if one.value else "-"
            same = one.low <= other.value <= one.high
            table.add_row(first.function, shown, show(one, True), show(other, True), f"{ratio}{'' if same else ' *'}")
        table.add_section()
    console = Console()
    console.print(table)
    console.print("* outside of the other's interval", style="dim")
    return 0


def read_and_predict(file: str, arguments: argparse.Namespace) -> list[KernelPrediction]:
    """Read a file, `-` for standard input, and predict it with the model that the flags name."""
    model = load(arguments.model or FOLDER)
    return predict_module(read(file), arguments.target, model=model)


def read(file: str) -> str:
    """Return a file's text. Raises ArgumentError for one that is empty, too long or no text; OSError."""
    data = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else Path(file).read_bytes()
    if not data.strip():
        raise ArgumentError(f"{file}: expected MLIR, found an empty file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{file}: expected text in UTF-8: {error}") from None


def show(found: Prediction, with_interval: bool) -> str:
    """Return a prediction as text, e.g. `31` or `31 [28, 32]`."""
    value, low, high = (
        f"{number:.0f}" if number >= 100 else f"{number:.3g}" for number in (found.value, found.low, found.high)
    )
    return f"{value} [{low}, {high}]" if with_interval else value


def _is_whole(one: KernelPrediction) -> bool:
    return not one.kernel
