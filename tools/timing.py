"""Timing that compares fairly: all subjects in one run, interleaved, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WARM_UP = 2
"""Rounds that are run but not counted."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one call, over all repeats."""

    median: float
    low: float
    """First quartile."""
    high: float
    """Third quartile."""
    repeats: int

    def scaled(self, factor: float) -> Timing:
        """Return the timing in another unit, or of a part of the call."""
        return Timing(self.median * factor, self.low * factor, self.high * factor, self.repeats)


def time_interleaved(
    subjects: Mapping[str, Callable[[int], object]],
    repeats: int,
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Timing]:
    """Time every subject once a round, `repeats` rounds; a subject is called with the number of the round.

    Each round begins with another subject, so that none always follows the same one. `advance` is called after each
    round, the `WARM_UP` first rounds included, which are not counted.
    """
    names = list(subjects)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-WARM_UP, repeats):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            subjects[name](max(number, 0))
            elapsed = time.perf_counter() - start
            if number >= 0:
                seconds[name].append(elapsed)
        advance()
    return {name: summary(values) for name, values in seconds.items()}


def summary(values: list[float]) -> Timing:
    """Return the median and the quartiles of some timings, in seconds, at least one."""
    if len(values) == 1:
        return Timing(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Timing(median, low, high, len(values))
