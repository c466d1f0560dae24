"""`slipstick-cost info`: the model card."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from ..costmodel.labels import LABELS
from ..costmodel.level_model import MOST_OUTSIDE
from ..costmodel.released import FOLDER, read_index
from .cost_figures import COLUMNS, TABLE_WIDTH, number

_LIMITS = f"""
[bold]limits[/bold]
  Counts are those of code that LLVM 22 makes at -O3 for kernels that slipstick schedules; cycles are those of a
  simulator, which knows no cache. Texts and labels are of the version of slipstick that labelled the corpus: passes
  that have changed since write loops of which it has seen fewer. It says `unsure` of operations that it has not
  seen, and of texts with more than {MOST_OUTSIDE} features outside of what it has seen. Of families of programs not
  seen, kernels on tensors are predicted much worse than loops, and either can be several times off: the tables say
  how far, beside what the analytical estimates alone would say, which are nearer in some columns."""


def info(arguments: argparse.Namespace) -> int:
    """Print what a model is, from what it was trained, and what it must not be used for; return the exit status."""
    folder = arguments.model or FOLDER
    index = read_index(folder)
    if arguments.json:
        print(json.dumps(index["record"], indent=1, ensure_ascii=False))
        return 0
    console = Console(highlight=False, width=None if sys.stdout.isatty() else TABLE_WIDTH)
    columns = ", ".join(f"{len(own['columns'])} of {name}" for name, own in index["levels"].items())
    console.print(f"[bold]model[/bold] {folder}: gradient-boosted trees over features of MLIR text: {columns}")
    console.print("\n[bold]predicts[/bold]")
    known = {name for level in index["levels"].values() for name in level["quantiles"]}
    for label in LABELS:
        if label.name in known:
            console.print(f"  {label.name} ({label.unit}): {label.what}")
    record = index["record"]
    console.print("\n[bold]trained on[/bold] (whole, with the figures below: --json)")
    for line in _trained(record):
        console.print(Padding(line, (0, 0, 0, 2)))
    for level, own in record.get("held-out families", {}).items():
        console.print(_table(level, own))
    console.print(_LIMITS)
    return 0


def _trained(record: Mapping[str, Any]) -> list[str]:
    """Return the lines that say what a model was trained on, and how."""
    lines = [f"rows: {', '.join(f'{count:,} of {level}' for level, count in record.get('rows', {}).items())}"]
    for name in ("targets", "families"):
        lines.append(f"{len(record.get(name, ()))} {name}: {', '.join(record.get(name, ()))}")
    for corpus in record.get("corpora", ()):
        plan = corpus["plan"]
        programs = f"{plan['programs']:,} random programs of seed {plan['seed']}, {len(plan['graphs'])} graphs"
        versions = ", ".join(f"{name} {version}" for name, version in corpus["versions"].items())
        lines.append(f"corpus: {programs}; made with {versions}")
    parameters = record.get("parameters", {})
    lines.append(f"parameters: {', '.join(f'{name} {value}' for name, value in parameters.items())}")
    return lines


def _table(level: str, card: Mapping[str, Any]) -> Table:
    """Return how far a level's predictions of families were off that the trees had not seen."""
    title = (
        f"{level}, families held out in turn: unsure of {100 * card['unsure']:.1f} %, "
        f"which has {100 * card['caught']:.1f} % of the worst twentieth; {card['leaks']} leaks"
    )
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in ("quantity", "model"):
        shown.add_column(heading, no_wrap=True)
    for heading in COLUMNS.values():
        shown.add_column(heading, justify="right")
    for name in card["labels"]:
        for place, (model, key) in enumerate((("trees", "labels"), ("analytical", "analytical estimates"))):
            figures = card[key].get(name)
            if figures:
                cells = [number(column, figures.get(column, float("nan"))) for column in COLUMNS]
                shown.add_row("" if place else name, model, *cells)
    return shown
