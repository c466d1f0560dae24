"""`slipstick-cost train`: a model from a corpus."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import asdict

from rich.console import Console
from rich.progress import track

from ..costmodel.boosted import Parameters
from ..costmodel.evaluation import Judgement, Ready, judge
from ..costmodel.features import LEVELS
from ..costmodel.labels import LABELS
from ..costmodel.level_model import LevelModel
from ..costmodel.released import save
from ..costmodel.training import Examples, train_level
from ..costmodel.tree_model import TreeModel
from ..datasets.corpus.measured import with_times
from ..datasets.corpus.store import read_all, read_manifest
from .cost_eval import table
from .cost_figures import TABLE_WIDTH


def train(arguments: argparse.Namespace) -> int:
    """Train on all rows, a level of texts at a time; return the exit status."""
    console = Console(stderr=True, width=None if sys.stderr.isatty() else TABLE_WIDTH)
    manifests = [read_manifest(folder) for folder in arguments.folders]
    read_rows = with_times(read_all(arguments.folders), arguments.folders)
    rows = [row for row in track(read_rows, "reading", console=console) if row["level"] in LEVELS]
    parameters = Parameters(rounds=arguments.rounds)
    start = time.perf_counter()
    levels: dict[str, LevelModel] = {}
    found: list[Judgement] = []
    for level in LEVELS:
        own = [row for row in rows if row["level"] == level]
        if own:
            with console.status(f"{level}: features of {len(own)} rows"):
                examples = Examples.of(own)
            with console.status(f"{level}: trees"):
                model, held = train_level(examples, parameters)
            levels[level] = model
            read = model.inputs(examples.features, examples.targets)
            # The models that calibrated the intervals judge as well: each family by trees that did not see it.
            found += judge(Ready(level, examples, model.columns, read, held), parameters, names=("families",))
    record = {
        "corpora": [{"plan": manifest["plan"], "versions": manifest["versions"]} for manifest in manifests],
        "families": sorted({row["family"] for row in rows}),
        "targets": sorted({row["target"] for row in rows}),
        "rows": {level: sum(row["level"] == level for row in rows) for level in LEVELS},
        "measured": Counter(row["target"] for row in rows if row["time_ns"] is not None),
        "parameters": parameters.json(),
        "held-out families": {judgement.level: _card(judgement) for judgement in found},
    }
    save(TreeModel(levels, record), arguments.output)
    for judgement in found:
        console.print(table(judgement))
    trees = sum(len(level.forest.roots) + len(level.spread.roots) for level in levels.values())
    console.print(f"{arguments.output}: {trees} trees in {time.perf_counter() - start:.0f} s")
    return 0


def _card(judgement: Judgement) -> dict[str, object]:
    """Return figures on families that were not seen, the analytical estimates' beside them, for the model card."""
    return {
        "unsure": judgement.unsure,
        "caught": judgement.caught,
        "leaks": judgement.leaks,
        "labels": _figures(judgement, "trees"),
        "analytical estimates": _figures(judgement, "analytical"),
    }


def _figures(judgement: Judgement, model: str) -> dict[str, dict[str, float]]:
    metrics = {label.name: asdict(judgement.metrics[model][label.name]) for label in LABELS}
    return {
        name: {key: round(value, 4) for key, value in own.items() if value == value}
        for name, own in metrics.items()
        if own["rows"]
    }
