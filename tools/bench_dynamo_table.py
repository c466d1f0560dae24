"""The tables that `slipstick-bench dynamo` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from .bench_dynamo_results import MODES, Measured, Mode, geometric_mean, speeds
from .bench_table import duration

_SUBJECTS = ("slipstick", "eager", "inductor")
_PEERS = ("eager", "inductor")
HEADINGS = (
    "model",
    "",
    "graphs",
    "breaks",
    "anew",
    "compiled",
    "torch",
    "error",
    *_SUBJECTS,
    "of eager",
    "of inductor",
)
_WORDS = 2
"""The first columns, which are words; the rest are numbers."""


def lines(rows: Sequence[Measured]) -> list[tuple[str, ...]]:
    """Return the cells of two lines for each model, of one for a model that failed; last the geometric means."""
    found: list[tuple[str, ...]] = []
    empty = ("",) * (len(HEADINGS) - _WORDS)
    for row in rows:
        if row.failure:
            found.append((row.graph, "failed", *empty))
        for number, (name, mode) in enumerate(row.modes.items()):
            found.append((row.graph if number == 0 else "", name, *_cells(mode)))
    for number, name in enumerate(MODES):
        means = [geometric_mean(speeds(rows, name, peer)) for peer in _PEERS]
        if any(means):
            found.append(("" if number else "geometric mean", name, *empty[: -len(means)], *map(_times, means)))
    return found


def _cells(mode: Mode) -> tuple[str, ...]:
    times = (duration(mode.seconds[name]) if name in mode.seconds else "" for name in _SUBJECTS)
    counts = (len(mode.kinds), mode.breaks, mode.recompiled, f"{mode.compiled} of {mode.operations}")
    ratios = (_times(mode.speed(name)) for name in _PEERS)
    return (*map(str, counts), str(len(mode.fallbacks)), f"{mode.error:.0e}", *times, *ratios)


def _times(speed: float | None) -> str:
    return "" if speed is None else f"{speed:.2f}x"


def table(rows: Sequence[Measured]) -> Table:
    """Return the table for a terminal."""
    found = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        found.add_column(heading, justify="left" if number < _WORDS else "right", no_wrap=True)
    for cells in lines(rows):
        found.add_row(*cells)
    return found


def markdown(rows: Sequence[Measured]) -> str:
    """Return the table as Markdown."""
    rule = ["---"] * _WORDS + ["--:"] * (len(HEADINGS) - _WORDS)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEADINGS, rule, *lines(rows)))


def notes(rows: Sequence[Measured]) -> list[str]:
    """Return what torch runs of each model, why one failed, and how many gradients rounding decides."""
    found = []
    for row in rows:
        if row.failure:
            found.append(f"{row.graph}: {row.failure}")
        left = dict.fromkeys(name for mode in row.modes.values() for name in mode.fallbacks)
        if left:
            found.append(f"{row.graph}: torch runs {', '.join(left)}")
        kinks = sum(mode.kinks for mode in row.modes.values())
        if kinks:
            found.append(f"{row.graph}: {kinks} inputs of ReLU so near to 0 that either gradient is right")
    for name in MODES:
        for peer in _PEERS:
            known = speeds(rows, name, peer)
            if known:
                found.append(f"{name}: {geometric_mean(known):.2f}x {peer}, geometric mean of {len(known)}")
    return found
