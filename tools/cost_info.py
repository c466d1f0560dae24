"""`slipstick-cost info`: the model card."""

from __future__ import annotations

import argparse
import json

from rich.console import Console

from ..costmodel.labels import LABELS
from ..costmodel.level_model import MOST_OUTSIDE
from ..costmodel.released import FOLDER, read_index

_LIMITS = f"""
[bold]limits[/bold]
  Counts are those of code that LLVM 22 makes at -O3 for kernels that slipstick schedules; cycles are those of a
  simulator, which knows no cache. Texts and labels are of the version of slipstick that labelled the corpus: passes
  that have changed since write loops of which it has seen fewer. It says `unsure` of operations that it has not
  seen, and of texts with more than {MOST_OUTSIDE} features outside of what it has seen. Of families of programs not
  seen, kernels on tensors are predicted much worse than loops, and either can be several times off: `held-out
  families` says how far, beside what the analytical estimates alone would say, which are nearer in some columns."""


def info(arguments: argparse.Namespace) -> int:
    """Print what a model is, from what it was trained, and what it must not be used for; return the exit status."""
    folder = arguments.model or FOLDER
    index = read_index(folder)
    console = Console(highlight=False)
    columns = ", ".join(f"{len(own['columns'])} of {name}" for name, own in index["levels"].items())
    console.print(f"[bold]model[/bold] {folder}: gradient-boosted trees over features of MLIR text: {columns}")
    console.print("\n[bold]predicts[/bold]")
    for label in LABELS:
        console.print(f"  {label.name} ({label.unit}): {label.what}")
    console.print("\n[bold]trained on[/bold]")
    console.print(json.dumps(index["record"], indent=1))
    console.print(_LIMITS)
    return 0
