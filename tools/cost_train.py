"""`slipstick-cost train`: a model from a corpus."""

from __future__ import annotations

import argparse
import time

from rich.console import Console
from rich.progress import track

from ..costmodel.boosted import Parameters
from ..costmodel.released import save
from ..costmodel.splits import split
from ..costmodel.training import Examples, train_model
from ..datasets.corpus.store import read_manifest, read_rows


def train(arguments: argparse.Namespace) -> int:
    """Train on all programs but those that stop and calibrate; return the exit status."""
    console = Console(stderr=True)
    manifest = read_manifest(arguments.folder)
    rows = list(track(read_rows(arguments.folder), "reading", console=console))
    with console.status(f"features of {len(rows)} rows"):
        examples = Examples.of(rows)
    found = split(rows, "all programs", "program", ())
    parameters = Parameters(rounds=arguments.rounds)
    record = {
        "corpus": {"plan": manifest["plan"], "versions": manifest["versions"], "rows": len(rows)},
        "families": sorted({row["family"] for row in rows}),
        "targets": sorted({row["target"] for row in rows}),
        "rows": {name: int(getattr(found, name).sum()) for name in ("train", "valid", "calibration")},
        "parameters": parameters.json(),
    }
    start = time.perf_counter()
    with console.status("trees"):
        model, _ = train_model(examples, found, parameters, record)
    save(model, arguments.output)
    console.print(f"{arguments.output}: {len(model.forest.roots)} trees in {time.perf_counter() - start:.0f} s")
    return 0
