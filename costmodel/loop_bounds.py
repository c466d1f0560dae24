"""How often a loop runs, and what its index can be, from the line that begins it.

A number that is not known is NaN, as everywhere in the features.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from .program import Life, Loop
from .ranges import Range, exactly, turns

Known: TypeAlias = Callable[[str], Life | None]
"""What is known of a value by its name."""

_BOUNDS = re.compile(r"= (\S+) to (\S+?)(?: step (\S+))?(?= |$)")


def indices_of(line: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Return which of the names in a loop's line, results left out, are its indices, and the others."""
    if "for" in line.split("(", 1)[0]:
        return names[:1], names[1:]
    head = line.partition("(")[2].partition(")")[0].count("%")
    return names[:head], names[head:]


def turns_of(line: str, known: Known) -> tuple[float, float]:
    """Return how often a loop of constant bounds runs, and its step."""
    bounds = _BOUNDS.search(line)
    if bounds is None:
        return float("nan"), 1.0
    low, high, step = (_constant(bound, known) for bound in bounds.groups())
    if bounds[3] is None:
        step = 1.0
    if low != low or high != high or not step:
        return float("nan"), step
    return max(0.0, -((low - high) // step)), step


def turns_by_cases(line: str, known: Known) -> tuple[float, float]:
    """Return the turns of a loop whose bound is known by the turns of one around it, and in what share it runs."""
    bounds = _BOUNDS.search(line)
    if bounds is None:
        return float("nan"), 1.0
    low, high = (_range(bounds[group], known) for group in (1, 2))
    step = 1.0 if bounds[3] is None else _constant(bounds[3], known)
    if low is not None and high is not None and step == step and step and (low.cases or high.cases):
        if low.loop not in (-1, high.loop) and high.loop != -1:
            return float("nan"), 1.0
        count = max(len(low.cases), len(high.cases))
        ends = zip(low.cases or (low.low,) * count, high.cases or (high.low,) * count, strict=True)
        if all(own.cases or own.low == own.high for own in (low, high)):
            counts = [max(0.0, -((first - last) // step)) for first, last in ends]
            running = sum(count > 0 for count in counts)
            return max(counts), running / len(counts) if running else 1.0
    return float("nan"), 1.0


def index_range(line: str, loop: Loop, number: int, known: Known) -> Range | None:
    """Return what the index of a loop, the one of this number, can be; None where that is not known."""
    bounds = _BOUNDS.search(line)
    if bounds is None:
        return None
    first = _constant(bounds[1], known)
    if first != first:
        return None
    if loop.trips == loop.trips:
        return turns(number, int(first), int(loop.step), int(loop.trips)) if loop.trips >= 1 else None
    last = known(bounds[2])
    high = last.range if last is not None else None
    return Range(int(first), high.high - 1) if high is not None and high.high > first else None


def _range(name: str, known: Known) -> Range | None:
    """Return what a bound can be."""
    if name[0] != "%":
        return exactly(int(name)) if name.lstrip("-").isdigit() else None
    life = known(name)
    return life.range if life is not None else None


def _constant(name: str | None, known: Known) -> float:
    if name is None:
        return float("nan")
    if name[0] != "%":
        return float(name) if name.lstrip("-").isdigit() else float("nan")
    life = known(name)
    return float("nan") if life is None or life.constant is None else life.constant
