"""The machine's limits as the subjects of one row find them: measured in turns with them, under the same load.

What a machine can do changes from minute to minute where it is shared, and what stays in its last-level cache depends
on who else uses it: a limit that was measured alone, before, holds for that time only. So the loops of
`bench_limits.py` take part in a row as subjects of their own: multiply-adds, L-Mul steps, and reading a buffer of the
row's size, which competes for the caches as the subjects' own weights do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from ..target import MIB
from .bench_limits import Limits, Loops, load_loops
from .bench_timing import Subject, Turns

LARGEST_BUFFER = 512 * MIB
"""No row reads a larger buffer: this one is read from memory."""
_ITERATIONS = 1 << 18
_LEAST_READ = 16 * MIB
"""Bytes that a call reads at least, a smaller buffer again and again."""
FMA, LMUL, READ = "limit: FMA", "limit: L-Mul", "limit: reading"


class TurnLimits:
    """The subjects that measure the limits of a row of `size` bytes on `threads` threads; `target` is a CPU's name."""

    def __init__(self, threads: int, size: int, target: str = "host"):
        self._threads = threads
        self._loops: Loops = load_loops(target)
        self._buffer = self._loops.reading(min(max(size, 1), LARGEST_BUFFER), threads)
        self._repeats = -(-_LEAST_READ // self._buffer.bytes)

    def subjects(self) -> dict[str, Subject]:
        """Return them by name."""
        runs: Mapping[str, Callable[[], object]] = {
            FMA: self._loops.arithmetic("fma", self._threads).runner(_ITERATIONS),
            LMUL: self._loops.arithmetic("lmul", self._threads).runner(_ITERATIONS),
            READ: self._buffer.runner(self._repeats),
        }
        return {name: Subject(run, contextlib.nullcontext) for name, run in runs.items()}

    def limits(self, turns: Mapping[str, Turns]) -> Limits:
        """Return the rates of the medians of their turns."""
        flops = self._threads * _ITERATIONS * self._loops.kernels.flops_an_iteration
        rates = {name: flops / turns[name].timing.median / 1e9 for name in (FMA, LMUL)}
        read = self._buffer.bytes * self._repeats / turns[READ].timing.median / 1e9
        return Limits(self._threads, rates[FMA], rates[LMUL], ((self._buffer.bytes, read),))
