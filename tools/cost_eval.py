"""`slipstick-cost eval`: the report on models and baselines, judged on what they were not trained on."""

from __future__ import annotations

import argparse
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.released_model import load_model
from ..costmodel.boosted import Parameters
from ..costmodel.evaluation import Judgement, Ready, judge, judged_names
from ..costmodel.features import LEVELS
from ..costmodel.labels import LABELS
from ..costmodel.splits import NAMES
from ..costmodel.training import Examples
from ..datasets.corpus.measured import with_times
from ..datasets.corpus.store import read_all
from ..errors import ArgumentError
from . import cost_goals
from .cost_figures import COLUMNS, TABLE_WIDTH, number
from .cost_html import write_html
from .cost_judgements import Judgements, read
from .cost_speed import speeds
from .files import check_writable


def eval(arguments: argparse.Namespace) -> int:
    """Judge; return the exit status."""
    for path, flag in ((arguments.json, "--json"), (arguments.html, "--html")):
        if path is not None:
            check_writable(path, flag)
    names = tuple(name for name in arguments.splits.split(",") if name)
    unknown = set(names) - set(NAMES)
    if unknown:
        raise ArgumentError(f"--splits: expected names among {', '.join(NAMES)}; found {', '.join(sorted(unknown))}")
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    status = Console(stderr=True)
    parameters = Parameters(rounds=arguments.rounds)
    rows = list(with_times(read_all(arguments.folders), arguments.folders))
    if arguments.judged:
        names, found = (), Judgements(None, {}, read(arguments.judged))
    else:
        found = Judgements.open(arguments.json, rows, parameters.json())
    for judgement in found.found:
        console.print(table(judgement))
    for level in LEVELS:
        own = [row for row in rows if row["level"] == level]
        known = found.names(level)
        if not own or judged_names(own, names, arguments.networks) <= known:
            continue
        with status.status(f"{level}: features of {len(own)} rows") as shown:
            examples = Examples.of(own)
            shown.update(f"{level}: models without each family")
            ready = Ready.of(level, examples, parameters)

            def say(name: str, level: str = level, shown: object = shown) -> None:
                shown.update(f"{level}: split {name}")  # type: ignore[attr-defined]

            for judgement in judge(ready, parameters, say, names, arguments.networks, known):
                console.print(table(judgement))
                found.add(judgement)
    found_speeds = speeds(load_model(arguments.model), rows) if arguments.speed else {}
    for name, seconds in found_speeds.items():
        console.print(f"one kernel {name}: {seconds * 1e3:.3f} ms ({1 / seconds:,.0f} a second)")
    goals = cost_goals.goals(found.found, rows, found_speeds)
    console.print(cost_goals.table(goals))
    if arguments.html is not None:
        write_html(found.found, goals, len(rows), arguments.html)
    return 0


def title(judgement: Judgement) -> str:
    """Return what stands above a table."""
    return (
        f"{judgement.level}, split {judgement.split}: {judgement.train_rows} rows train, {judgement.test_rows} judge, "
        f"{judgement.leaks} leaks; unsure of {100 * judgement.unsure:.1f} %, which has "
        f"{100 * judgement.caught:.0f} % of the worst twentieth"
    )


def table(judgement: Judgement) -> Table:
    """Return a judgement as a table: for each quantity a line for each model."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title(judgement), title_justify="left")
    shown.add_column("quantity")
    shown.add_column("model")
    for heading in COLUMNS.values():
        shown.add_column(heading, justify="right")
    for label in LABELS:
        place = 0
        for model, metrics in judgement.metrics.items():
            own = metrics[label.name]
            if own.rows:
                cells = [number(name, getattr(own, name)) for name in COLUMNS]
                shown.add_row(label.name if place == 0 else "", model, *cells)
                place += 1
    return shown
