"""Find what repeats in a sequence of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Repeat:
    """A stretch of a sequence that occurs several times, without overlaps."""

    starts: tuple[int, ...]
    """Where it begins, in increasing order."""
    length: int
    slack: int = 0
    """So many places further on begin as many occurrences of the stretch that is rotated by as much."""

    @property
    def saved(self) -> int:
        """How many items are gone when one occurrence is kept."""
        return (len(self.starts) - 1) * self.length

    def rotated(self, by: int) -> Repeat:
        """Return the repeat that begins `by` places further on, at most `slack`."""
        return Repeat(tuple(start + by for start in self.starts), self.length, self.slack - by)


def find_repeats(codes: Sequence[int], least: int) -> Iterator[Repeat]:
    """Yield repeats of at least `least` items, those that save most first.

    Considered is, for each distance, the longest stretch that occurs again at that distance: where it is longer than
    the distance, it is a period that repeats side by side. Time is quadratic in the length of the sequence, with the
    small factor of comparing arrays.
    """
    array = np.asarray(codes, dtype=np.int64)
    found: dict[tuple[int, ...], Repeat] = {}
    for distance in range(least, len(codes) - least + 1):
        equal = array[:-distance] == array[distance:]
        if np.count_nonzero(equal) < least:
            continue
        start, length = _longest_run(equal)
        if length < least:
            continue
        if length >= distance:
            count, slack = divmod(length + distance, distance)
            repeat = Repeat(tuple(start + i * distance for i in range(count)), distance, slack)
        else:
            repeat = Repeat(occurrences(array, start, length), length)
        found.setdefault(repeat.starts, repeat)
    yield from sorted(found.values(), key=lambda repeat: (-repeat.saved, repeat.length))


def _longest_run(equal: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[int, int]:
    """Return the start and the length of the first longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - starts[longest])


def occurrences(array: np.ndarray[tuple[int], np.dtype[np.int64]], start: int, length: int) -> tuple[int, ...]:
    """Return where the stretch occurs, from left to right without overlaps; it occurs at least once."""
    windows = np.lib.stride_tricks.sliding_window_view(array, length)
    places = np.flatnonzero(windows[:, 0] == array[start])
    found: list[int] = []
    for place in places[(windows[places] == array[start : start + length]).all(axis=1)]:
        if not found or place >= found[-1] + length:
            found.append(int(place))
    return tuple(found)
