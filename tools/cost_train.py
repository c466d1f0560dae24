"""`slipstick-cost train`: a model from a corpus."""

from __future__ import annotations

import argparse
import time

from rich.console import Console
from rich.progress import track

from ..costmodel.boosted import Parameters
from ..costmodel.features import LEVELS
from ..costmodel.released import save
from ..costmodel.training import Examples, train_level
from ..costmodel.tree_model import TreeModel
from ..datasets.corpus.store import read_all, read_manifest


def train(arguments: argparse.Namespace) -> int:
    """Train on all rows, a level of texts at a time; return the exit status."""
    console = Console(stderr=True)
    manifests = [read_manifest(folder) for folder in arguments.folders]
    rows = list(track(read_all(arguments.folders), "reading", console=console))
    parameters = Parameters(rounds=arguments.rounds)
    start = time.perf_counter()
    levels = {}
    for level in LEVELS:
        own = [row for row in rows if row["level"] == level]
        if own:
            with console.status(f"{level}: features of {len(own)} rows"):
                examples = Examples.of(own)
            with console.status(f"{level}: trees"):
                levels[level] = train_level(examples, parameters)[0]
    record = {
        "corpora": [{"plan": manifest["plan"], "versions": manifest["versions"]} for manifest in manifests],
        "families": sorted({row["family"] for row in rows}),
        "targets": sorted({row["target"] for row in rows}),
        "rows": {level: sum(row["level"] == level for row in rows) for level in LEVELS},
        "parameters": parameters.json(),
    }
    save(TreeModel(levels, record), arguments.output)
    trees = sum(len(level.forest.roots) + len(level.spread.roots) for level in levels.values())
    console.print(f"{arguments.output}: {trees} trees in {time.perf_counter() - start:.0f} s")
    return 0
