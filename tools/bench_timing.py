"""Timing the subjects of one row: in turns, so that what disturbs the machine disturbs all alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from .timing import Timing, summary

TURN_SECONDS = 0.005
"""A turn is as many calls as take about this long, at least one: the clock and the loop count for nothing."""
WARM_CALL_BELOW = 0.1
"""Before each turn a call is made that is not counted, where a call takes less seconds than this: it fetches what the
other subjects have driven out of the caches, and wakes the threads."""
REST_SECONDS = 0.01
"""With several threads, a pause before each turn: the threads of the others stop spinning in it."""
LEAST_ROUNDS = 5


@dataclass(frozen=True)
class Subject:
    """What is timed: a call, and what must be entered around the calls."""

    run: Callable[[], object]
    around: Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Turns:
    """The seconds of one call, over all rounds, and how many calls each round's figure is the mean of."""

    timing: Timing
    calls: int


def time_in_turns(
    subjects: Mapping[str, Subject],
    rounds: int,
    *,
    budget: float = math.inf,
    threads: int = 1,
    before_turn: Callable[[str], None] = lambda name: None,
) -> dict[str, Turns]:
    """Time every subject once a round; each round begins with another one.

    One round comes first that is not counted: from it follows how many calls make a turn. No round begins after
    `budget` seconds once `LEAST_ROUNDS` are done. `before_turn` is told the subject whose turn it is.
    """
    calls: dict[str, int] = {}
    warm: dict[str, bool] = {}
    for name, subject in subjects.items():
        before_turn(name)
        with subject.around():
            subject.run()
            once = min(_seconds(subject.run, 1) for _ in range(2))
        calls[name] = max(1, math.ceil(TURN_SECONDS / max(once, 1e-7)))
        warm[name] = once < WARM_CALL_BELOW
    found: dict[str, list[float]] = {name: [] for name in subjects}
    names = list(subjects)
    start = time.perf_counter()
    for number in range(rounds):
        if number >= LEAST_ROUNDS and time.perf_counter() - start > budget:
            break
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            before_turn(name)
            if threads > 1:
                time.sleep(REST_SECONDS)
            subject = subjects[name]
            with subject.around():
                if warm[name]:
                    subject.run()
                found[name].append(_seconds(subject.run, calls[name]) / calls[name])
    return {name: Turns(summary(values), calls[name]) for name, values in found.items()}


def _seconds(run: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - start
