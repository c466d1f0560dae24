"""Intervals that hold: split-conformal prediction, by group.

On rows that training did not see, the distances between prediction and truth are sorted; the one of rank
ceil((n + 1) (1 - alpha)) of n covers the next row with probability 1 - alpha at least, as long as it comes from the
same distribution (Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005). Groups, here the level of
the text and the kind of CPU, have quantiles of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .labels import Floats

LEAST_OF_A_GROUP = 50
ANY = ""
"""The group of all rows, taken where a group is too small."""


def quantiles(distances: Floats, groups: Sequence[str], coverage: float) -> dict[str, float]:
    """Return the half width of the interval of each group with enough rows, and that of all rows.

    `distances`: absolute differences on the scale of learning [rows].
    """
    found = {ANY: _rank(distances, coverage)}
    names = np.asarray(groups)
    for group in sorted(set(groups)):
        own = distances[names == group]
        if len(own) >= LEAST_OF_A_GROUP:
            found[group] = _rank(own, coverage)
    return found


def half_widths(quantiles: dict[str, float], groups: Sequence[str]) -> Floats:
    """Return the half width for each row [rows]."""
    every = quantiles.get(ANY, math.inf)
    return np.asarray([quantiles.get(group, every) for group in groups], np.float64)


def _rank(distances: Floats, coverage: float) -> float:
    count = len(distances)
    rank = math.ceil((count + 1) * coverage)
    return float(np.sort(distances)[rank - 1]) if 0 < rank <= count else float("inf")
