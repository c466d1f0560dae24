"""What can be computed without learning how: registers from the lives of values, instructions from pieces of work.

What a piece of work costs on an instruction set, in instructions, bytes and cycles, is a table of positive numbers
fitted to labelled rows (non-negative least squares on relative errors); everything else follows from the text. The
estimates are a model of their own, features of the trees, and what the trees' corrections start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..target import Target
from .labels import Floats
from .machine import machine

Table = Mapping[str, Mapping[str, float]]
_PARTS = {"instructions": ("u.", "l.", "halves"), "code_bytes": ("u.", "l.", "halves"), "cycles": ("h.", "hl.")}
"""What the costs of a quantity are of: features that begin so."""
_CONSTANT = "one"
_EVERY = "every"
"""The instruction set of the table for those that were not seen."""
_PRIOR = {"instructions": (1.0, 0.5), "code_bytes": (5.0, 0.5), "cycles": (1.0, 0.05)}
"""What a piece of work costs where rows say little, and how much that counts: a class that hardly any row has would
otherwise get whatever cost mends the errors of those rows."""
_LEAST = 10.0


@dataclass(frozen=True)
class Analytical:
    """Tables of costs by quantity, instruction set and class of work."""

    tables: Mapping[str, Table]

    @classmethod
    def fit(
        cls, rows: Sequence[Mapping[str, float]], targets: Sequence[Target], truths: Mapping[str, Floats]
    ) -> Analytical:
        """Fit the tables to rows of features with truths in units, [rows] each, NaN where there is none."""
        sets = np.asarray([machine(target).isa for target in targets])
        tables: dict[str, Table] = {}
        for quantity, prefixes in _PARTS.items():
            names = sorted({name for row in rows for name in row if name.startswith(prefixes)})
            matrix = np.asarray([_parts(row, quantity, names) for row in rows], np.float64)
            truth = truths[quantity]
            known = ~np.isnan(truth)
            own = {}
            for isa in (_EVERY, *sorted(set(sets))):
                chosen = known if isa == _EVERY else known & (sets == isa)
                if chosen.any():
                    costs = _solve(matrix[chosen], truth[chosen], *_PRIOR[quantity])
                    own[isa] = {
                        name: float(cost) for name, cost in zip((*names, _CONSTANT), costs, strict=True) if cost > 0
                    }
            tables[quantity] = own
        return cls(tables)

    def estimate(self, row: Mapping[str, float], target: Target) -> dict[str, float]:
        """Return the estimates of a loop-level row of features, in units, by label; 0 instructions of a graph's."""
        on = machine(target)
        found = {quantity: self._sum(quantity, row, on.isa) for quantity in _PARTS}
        found["cycles"] = max(found["cycles"], row.get("hot.chain", 0.0) * row.get("hot.copies", 1.0))
        alive = row.get("all.lazy", 0.0)
        missing = max(0.0, row.get("all.folded", 0.0) - on.registers)
        found["vector_registers"] = min(float(on.registers), alive)
        # Where a function must give some registers back as it found them, it saves those that it takes, in pairs.
        saved = min(float(on.saved), max(0.0, alive - (on.registers - on.saved)))
        found["spills"] = found["reloads"] = missing + float(np.ceil(saved / 2))
        found["stack_bytes"] = missing * on.bits / 8 + 8 * saved
        work = row.get("hot.work", 0.0) * row.get("hot.copies", 1.0)
        found["ipc"] = work / found["cycles"] if found["cycles"] else 0.0
        found["utilisation"] = min(1.0, self._sum("cycles", row, on.isa) / found["cycles"]) if found["cycles"] else 0.0
        return found

    def _sum(self, quantity: str, row: Mapping[str, float], isa: str) -> float:
        tables = self.tables[quantity]
        table = tables.get(isa) or tables.get(_EVERY, {})
        scale = row.get("hot.copies", 1.0) if quantity == "cycles" else 1.0
        return table.get(_CONSTANT, 0.0) + scale * sum(
            value * table[name] for name, value in row.items() if name in table
        )


def _parts(row: Mapping[str, float], quantity: str, names: Sequence[str]) -> list[float]:
    scale = row.get("hot.copies", 1.0) if quantity == "cycles" else 1.0
    return [*(row.get(name, 0.0) * scale for name in names), 1.0]


def _solve(matrix: Floats, truth: Floats, prior: float, ridge: float) -> Floats:
    """Return the costs that come nearest in relative error, drawn towards `prior` where rows say little."""
    from scipy.optimize import nnls

    weight = 1.0 / np.maximum(truth, _LEAST)
    pull = (ridge / prior) ** 2 * len(truth) / 1000
    left = matrix.T @ (matrix * weight[:, None] ** 2) + pull * np.eye(matrix.shape[1])
    right = matrix.T @ (truth * weight**2) + pull * prior
    # The normal equations by their square root: as many rows as columns, however many examples there are.
    values, vectors = np.linalg.eigh(left)
    root = np.sqrt(np.maximum(values, 1e-12))
    return np.asarray(nnls((vectors * root).T, (vectors.T @ right) / root)[0])
