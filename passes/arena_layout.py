"""Offsets in one block of memory for buffers of known sizes and live ranges."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector."""


@dataclass(frozen=True)
class Lifetime:
    """The size of a buffer in bytes, and the first and the last moment at which it holds anything, both included."""

    size: int
    first: int
    last: int


def lay_out(buffers: Sequence[Lifetime]) -> tuple[list[int], int]:
    """Return an offset for each buffer and the size of the block, all multiples of `ALIGNMENT` bytes.

    Buffers whose lifetimes share a moment do not overlap. Greedy, largest first: each takes the smallest gap between
    those placed before that are alive with it, or the space behind them.
    """
    offsets = [0] * len(buffers)
    placed: list[tuple[int, int, int, int]] = []
    """(begin, end, first, last), by begin."""
    total = 0
    for number in sorted(range(len(buffers)), key=lambda n: (-buffers[n].size, buffers[n].first, n)):
        buffer = buffers[number]
        size = aligned(buffer.size)
        first, last = buffer.first, buffer.last
        best, best_gap, free = -1, 0, 0
        for begin, end, other_first, other_last in placed:
            if other_first > last or other_last < first:
                continue
            gap = begin - free
            if gap >= size and (best < 0 or gap < best_gap):
                best, best_gap = free, gap
            free = max(free, end)
        offset = best if best >= 0 else free
        offsets[number] = offset
        insort(placed, (offset, offset + size, first, last))
        total = max(total, offset + size)
    return offsets, total


def aligned(size: int) -> int:
    """Return `size` rounded up to a multiple of `ALIGNMENT`."""
    return -(-size // ALIGNMENT) * ALIGNMENT
