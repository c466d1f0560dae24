"""`slipstick-cost eval`: tables of a model and its baselines on what they were not trained on."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table

from ..costmodel.boosted import Parameters
from ..costmodel.evaluation import Judgement, judge
from ..costmodel.labels import LABELS
from ..costmodel.training import Examples
from ..datasets.corpus.store import read_rows
from ..files import write_atomically
from .files import check_writable

_COLUMNS = {
    "rmse_of_range": "RMSE % range",
    "mape": "MAPE %",
    "within_one": "within 1 %",
    "f1_some": "F1 some/none %",
    "spearman": "Spearman",
    "coverage": "in interval %",
}


def eval(arguments: argparse.Namespace) -> int:
    """Judge; return the exit status."""
    if arguments.json is not None:
        check_writable(arguments.json, "--json")
    console = Console()
    rows = list(read_rows(arguments.folder))
    status = Console(stderr=True)
    with status.status(f"features of {len(rows)} rows") as shown:
        examples = Examples.of(rows)
        found = judge(examples, Parameters(rounds=arguments.rounds), lambda name: shown.update(f"split {name}"))
    for judgement in found:
        console.print(_table(judgement))
    if arguments.json is not None:
        write_atomically(arguments.json, json.dumps([asdict(judgement) for judgement in found], indent=1))
    return 0


def _table(judgement: Judgement) -> Table:
    title = (
        f"split {judgement.split}: {judgement.train_rows} rows train, {judgement.test_rows} judge, "
        f"{judgement.leaks} leaks, unsure of {100 * judgement.unsure:.1f} %"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column("quantity")
    table.add_column("model")
    for heading in _COLUMNS.values():
        table.add_column(heading, justify="right")
    for label in LABELS:
        for place, (model, metrics) in enumerate(judgement.metrics.items()):
            own = metrics[label.name]
            shown = [_number(name, getattr(own, name)) for name in _COLUMNS]
            table.add_row(label.name if place == 0 else "", model, *shown)
    return table


def _number(name: str, value: float) -> str:
    if value != value:
        return "-"
    return f"{value:.3f}" if name == "spearman" else f"{100 * value:.1f}"
