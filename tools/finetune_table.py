"""The fine-tuning runs as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.language.finetune import Plan, Run

LAST = 10
"""Steps at the end whose losses are averaged."""


def print_runs(runs: Sequence[Run], plan: Plan, console: Console) -> None:
    """Print a row for each run, and what must be known to read it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("forward\nproducts", no_wrap=True)
    for heading in (
        "gradient\ncosine",
        "training\nloss",
        "held out,\nbefore",
        "held out,\nafter",
        "beside exact, paired\nmean ± its s.e.",
        "the weights\nin exact",
        "s a\nstep",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(*cells(run, runs[0]))
    console.print(table)
    console.print(
        f"Losses in nats a token: {plan.steps} steps of {plan.rows} sequences, the training loss over the last "
        f"{min(LAST, plan.steps)}; held out: {plan.held_out} sequences, in the run's own arithmetic unless it "
        "says exact. Gradient cosine: of the first step, with torch's exact gradient. fp8 is emulated: its time says "
        "nothing.",
        style="dim",
    )


def cells(run: Run, exact: Run) -> tuple[str, ...]:
    """Return a run's cells; `exact` is the run that it is held against, sequence by sequence."""
    apart = [one - other for one, other in zip(run.after, exact.after, strict=True)]
    beside = ""
    if run is not exact and len(apart) > 1:
        error = statistics.stdev(apart) / len(apart) ** 0.5
        beside = f"{statistics.fmean(apart):+.4f} ± {error:.4f}"
    return (
        run.arithmetic,
        f"{run.gradient_cosine:.4f}",
        f"{statistics.fmean(run.losses[-LAST:]):.4f}",
        f"{statistics.fmean(run.before):.4f}",
        f"{statistics.fmean(run.after):.4f}",
        beside,
        f"{statistics.fmean(run.after_exact):.4f}",
        f"{run.seconds_per_step:.2f}",
    )
