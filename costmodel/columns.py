"""Features as columns of a matrix: which there are is settled when a model is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Columns:
    """The names of the columns, in order."""

    names: tuple[str, ...]
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._places.update({name: place for place, name in enumerate(self.names)})

    @classmethod
    def choose(cls, rows: Iterable[Mapping[str, float]], least: int = 5) -> Columns:
        """Return the columns for features that are not zero in at least `least` rows."""
        counts = Counter(name for row in rows for name, value in row.items() if value)
        return cls(tuple(sorted(name for name, count in counts.items() if count >= least)))

    def matrix(self, rows: Sequence[Mapping[str, float]]) -> Matrix:
        """Return f32 [rows, columns]; features without a column are left out."""
        found = np.zeros((len(rows), len(self.names)), np.float32)
        for number, row in enumerate(rows):
            for name, value in row.items():
                place = self._places.get(name)
                if place is not None:
                    found[number, place] = value
        return found

    def unknown(self, row: Mapping[str, float]) -> list[str]:
        """Return the operations of a row that no column counts: they were not seen, or hardly."""
        return [name for name, value in row.items() if value and name.startswith("op.") and name not in self._places]
