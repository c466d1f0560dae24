"""What ranks the candidates of a nest by the time they take, as it is shipped and asked: trees over their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .columns import Columns, Matrix
from .forest import Forest
from .labels import Floats
from .level_model import Support


@dataclass(frozen=True)
class Ranker:
    """What is shipped."""

    columns: Columns
    forest: Forest
    """Outputs: logs of relative time, up to a constant of the nest, by one ensemble each, and log of seconds."""
    margins: Mapping[str, float]
    """By kind of the heuristic's decision, log of the least predicted gain for which it is given up."""
    spread: float
    """Half of a 90 % interval of log seconds, on families that were not seen."""
    support: Support
    vectors: frozenset[int]
    """Bits of the vector registers for which there were measurements."""
    record: Mapping[str, object]

    def predict(self, rows: Sequence[Mapping[str, float]]) -> tuple[Floats, Floats]:
        """Return logs of time beside the first row's, and logs of seconds, both f64 [rows]."""
        return predicted(self.forest, self.columns.matrix(rows))

    def outside(self, rows: Sequence[Mapping[str, float]]) -> int:
        """Return how many features of the first row, the heuristic's, training has not seen the like of."""
        return int(self.support.outside(self.columns.matrix(rows[:1]))[0])


def predicted(forest: Forest, matrix: Matrix) -> tuple[Floats, Floats]:
    """Return logs of time beside the first row's, and logs of seconds, both f64 [rows]."""
    found = forest.predict(matrix)
    beside = found[:, :-1].mean(axis=1)
    gains = beside - beside[0]
    # Seconds of a nest from the heuristic's, so that both say the same about its candidates.
    return gains, found[0, -1] + gains
