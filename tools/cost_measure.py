"""`slipstick-cost measure`: runs kernels of a corpus on this machine, in two rounds."""

from __future__ import annotations

import argparse
import time
from typing import Any

from rich.console import Console

from ..datasets.corpus.measured import Roof, Runner, candidates, measure, noise, prepare, read_measured, write
from ..errors import SlipstickError
from .bench_limits import measure_limits

BATCH = 40
"""Kernels whose arguments are in memory at once, and whose two rounds follow one another."""


def measure_kernels(arguments: argparse.Namespace) -> int:
    """Compile or measure what has no measured row yet; return the exit status."""
    console = Console(stderr=True)
    known = {row["canonical"] for row in read_measured(arguments.folder)}
    rows = candidates(arguments.folder, arguments.kernels)
    left = [row for row in rows if row["canonical"] not in known]
    console.print(f"{len(rows)} kernels that suit this CPU, {len(left)} of them not measured yet")
    end = time.monotonic() + arguments.seconds
    if arguments.prepare:
        _prepared(left, end, console)
        return 0
    limits = measure_limits(1, rounds=3)
    roof = Roof(limits.fma_gflops, limits.bandwidth)
    while left and time.monotonic() < end:
        batch, runners = _prepared(left[:BATCH], end, console)
        left = left[BATCH:]
        if batch:
            write(arguments.folder, measure(batch, runners, roof))
    measured = list(read_measured(arguments.folder))
    console.print(f"{len(measured)} kernels measured")
    if measured:
        found = noise(measured)
        console.print(
            f"two rounds apart by {found['median']:.1%} in the median, {found['p90']:.1%} at the 90th percentile; "
            f"Spearman {found['spearman']:.4f}"
        )
    return 0


def _prepared(rows: list[dict[str, Any]], end: float, console: Console) -> tuple[list[dict[str, Any]], list[Runner]]:
    ready, runners = [], []
    for row in rows:
        if time.monotonic() > end:
            break
        try:
            runner = prepare(row)
        except SlipstickError as error:
            console.print(f"{row['program']}: {str(error).partition(chr(10))[0]}")
            continue
        ready.append(row)
        runners.append(runner)
    return ready, runners
