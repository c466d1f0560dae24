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
from ..compiler.released_model import load_model
from ..costmodel.labels import LABELS
from ..costmodel.predictor import Prediction
from ..errors import ArgumentError

_SHORT = {
    "vector_registers": "vregs",
    "spills": "spills",
    "reloads": "reloads",
    "stack_bytes": "stack",
    "instructions": "instrs",
    "code_bytes": "bytes",
    "cycles": "cycles",
    "ipc": "IPC",
    "utilisation": "util",
    "time_ns": "ns",
}
_SOMETIMES = ("time_ns",)
"""Columns that are shown where a model has them."""
_WIDE = 160
"""Columns of a table that is not for a terminal."""
_NAMES = {label.name: label.name.replace("_", " ") for label in LABELS}


def predict(arguments: argparse.Namespace) -> int:
    """Print what is predicted of a file; return the exit status."""
    found = read_and_predict(arguments.file, arguments)
    if arguments.json:
        print(json.dumps([one.json() for one in found], indent=1))
        return 0
    console = _console()
    title = f"predicted for {found[0].target}"
    if arguments.interval:
        console.print(_with_intervals(found, title))
    else:
        console.print(_values(found, title))
    for one in found:
        # Of a function, only where it was predicted as a whole.
        if one.predicted.unsure and (one.kernel or sum(other.function == one.function for other in found) == 1):
            place = f"{one.function}, kernel {one.kernel}" if one.kernel else one.function
            console.print(f"? {place}: {'; '.join(one.predicted.unsure)}", highlight=False)
    return 0


def _values(found: list[KernelPrediction], title: str) -> Table:
    """Return a table with a line for each kernel."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    known = {name for one in found for name in one.predicted.predictions}
    columns = {name: heading for name, heading in _SHORT.items() if name in known or name not in _SOMETIMES}
    for heading in ("function", "kernel", *columns.values()):
        table.add_column(heading, justify="left" if heading in ("function", "kernel") else "right", no_wrap=True)
    for one in found:
        predictions = one.predicted.predictions
        shown = [show(predictions[name], False) if name in predictions else "-" for name in columns]
        table.add_row(one.function, _kernel(one), *shown, end_section=not one.kernel)
    return table


def _with_intervals(found: list[KernelPrediction], title: str) -> Table:
    """Return a table with a line for each quantity of each kernel."""
    table = Table("function", "kernel", "quantity", box=box.SIMPLE_HEAD, pad_edge=False, title=title)
    table.title_justify = "left"
    for heading in ("predicted", "low", "high"):
        table.add_column(heading, justify="right")
    for one in found:
        for place, (name, own) in enumerate(one.predicted.predictions.items()):
            head = (one.function, _kernel(one)) if place == 0 else ("", "")
            table.add_row(*head, _NAMES[name], *(_number(v) for v in (own.value, own.low, own.high)))
        table.add_section()
    return table


def _kernel(one: KernelPrediction) -> str:
    return (one.kernel or "all") + (" ?" if one.predicted.unsure else "")


def compare(arguments: argparse.Namespace) -> int:
    """Print the predictions of two files side by side, function by function in order; return the exit status."""
    both = [[one for one in read_and_predict(file, arguments) if _is_whole(one)] for file in arguments.files]
    if arguments.json:
        print(json.dumps([[one.json() for one in found] for found in both], indent=1))
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"predicted for {both[0][0].target}", title_justify="left")
    for heading in ("function", "quantity", *arguments.files, "ratio"):
        table.add_column(heading, justify="left" if heading in ("function", "quantity") else "right")
    if len(both[0]) != len(both[1]):
        names = [", ".join(one.function for one in found) for found in both]
        raise ArgumentError(f"expected as many functions in both files, found {names[0]} and {names[1]}")
    for first, second in zip(*both, strict=True):
        for name, one in first.predicted.predictions.items():
            shown, other = _NAMES[name], second.predicted.predictions[name]
            ratio = f"{other.value / one.value:.2f}" if one.value else "-"
            same = one.low <= other.value <= one.high
            table.add_row(first.function, shown, show(one, True), show(other, True), f"{ratio}{'' if same else ' *'}")
        table.add_section()
    console = _console()
    console.print(table)
    console.print("* outside of the other's interval", style="dim")
    return 0


def read_and_predict(file: str, arguments: argparse.Namespace) -> list[KernelPrediction]:
    """Read a file, `-` for standard input, and predict it with the model that the flags name."""
    model = load_model(arguments.model)
    return predict_module(read(file), arguments.target, model=model, lower=getattr(arguments, "lower", False))


def _console() -> Console:
    """Return a console as wide as the terminal; where the output goes elsewhere, no table is cut."""
    return Console() if sys.stdout.isatty() else Console(width=_WIDE)


def read(file: str) -> str | Path:
    """Return a file's path, or the text of standard input.

    Raises ArgumentError for a file that is empty, too long or no text; OSError.
    """
    data = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else Path(file).read_bytes()
    if not data.strip():
        raise ArgumentError(f"{file}: expected MLIR, found an empty file")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{file}: expected text in UTF-8: {error}") from None
    return text if file == "-" else Path(file)


def show(found: Prediction, with_interval: bool) -> str:
    """Return a prediction as text, e.g. `31` or `31 [28, 32]`."""
    value = _number(found.value)
    return f"{value} [{_number(found.low)}, {_number(found.high)}]" if with_interval else value


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _is_whole(one: KernelPrediction) -> bool:
    return not one.kernel
