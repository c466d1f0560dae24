"""Features as columns of a matrix: which there are is settled when a model is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .labels import Floats

Matrix = NDArray[np.float32]
Rows = Sequence[Mapping[str, float]]


class Index(dict[str, int]):
    """The places of names; those without one have a place behind the last: operations one, all else another."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__((name, place) for place, name in enumerate(dict.fromkeys(names)))
        self.width = len(self)

    def __missing__(self, name: str) -> int:
        return self.width + (not name.startswith("op."))

    def table(self, rows: Rows) -> tuple[Floats, NDArray[np.bool_]]:
        """Return features, f64 [rows, names], and which rows have operations that are no feature, [rows].

        Names and values go through C alone: at 100 features a row a loop in Python would take longer than all else.
        """
        counts = [len(row) for row in rows]
        total = sum(counts)
        places = np.fromiter(map(self.__getitem__, chain.from_iterable(rows)), np.int64, total)
        values = np.fromiter(chain.from_iterable(row.values() for row in rows), np.float64, total)
        found = np.zeros((len(rows), self.width + 2))
        found.ravel()[places + np.repeat(np.arange(len(rows)) * (self.width + 2), counts)] = values
        return found[:, :-2], found[:, -2] != 0


@dataclass(frozen=True)
class Columns:
    """The names of the columns, in order."""

    names: tuple[str, ...]

    @cached_property
    def index(self) -> Index:
        """The place of each column."""
        return Index(self.names)

    @classmethod
    def choose(cls, rows: Rows, least: int = 5, computed: Mapping[str, Floats] | None = None) -> Columns:
        """Return the columns for features that are not zero in at least `least` rows.

        `computed` are features that the rows do not hold themselves, [rows] each.
        """
        counts = Counter(name for row in rows for name, value in row.items() if value)
        counts.update({name: int(np.count_nonzero(values)) for name, values in (computed or {}).items()})
        return cls(tuple(sorted(name for name, count in counts.items() if count >= least)))

    def matrix(self, rows: Rows) -> Matrix:
        """Return f32 [rows, columns]; features without a column are left out."""
        return self.index.table(rows)[0].astype(np.float32)

    def unknown(self, row: Mapping[str, float]) -> list[str]:
        """Return the operations of a row that no column counts: they were not seen, or hardly."""
        return [name for name, value in row.items() if value and name.startswith("op.") and name not in self.index]
