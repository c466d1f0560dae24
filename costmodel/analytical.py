"""What can be computed without learning how: registers from the lives of values, instructions from pieces of work.

What a piece of work costs on an instruction set, in instructions, bytes and cycles, is a table of positive numbers
fitted to labelled rows (non-negative least squares on relative errors); everything else follows from the text. The
estimates are a model of their own, features of the trees, and what the trees' corrections start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..target import Target
from .columns import Index, Rows
from .labels import Floats
from .machine import Machine, machine

Table = Mapping[str, Mapping[str, float]]
_PARTS = {"instructions": ("u.", "l.", "halves"), "code_bytes": ("u.", "l.", "halves"), "cycles": ("h.", "hl.")}
"""What the costs of a quantity are of: features that begin so."""
_COPIES = "hot.copies"
_READ = (_COPIES, "hot.chain", "all.lazy", "all.folded", "hot.work")
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
    def fit(cls, rows: Rows, targets: Sequence[Target], truths: Mapping[str, Floats]) -> Analytical:
        """Fit the tables to rows of features with truths in units, [rows] each, NaN where there is none."""
        sets = np.asarray([machine(target).isa for target in targets])
        tables: dict[str, Table] = {}
        for quantity, prefixes in _PARTS.items():
            names = sorted({name for row in rows for name in row if name.startswith(prefixes)})
            table, _ = Index((*names, _COPIES)).table(rows)
            scale = _copies(table[:, -1]) if quantity == "cycles" else np.ones(len(rows))
            matrix = np.column_stack((table[:, :-1] * scale[:, None], np.ones(len(rows))))
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

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The features that estimates are computed from."""
        tables = (table for quantity in self.tables.values() for table in quantity.values())
        return tuple(dict.fromkeys((*_READ, *(name for table in tables for name in table if name != _CONSTANT))))

    def costs(self, isa: str, index: Index) -> tuple[Floats, Floats]:
        """Return what each feature of an index costs, f64 [names, quantities], and the constants, f64 [quantities]."""
        found, constants = np.zeros((index.width, len(_PARTS))), np.zeros(len(_PARTS))
        for place, quantity in enumerate(_PARTS):
            tables = self.tables[quantity]
            for name, cost in (tables.get(isa) or tables.get(_EVERY, {})).items():
                if name == _CONSTANT:
                    constants[place] = cost
                else:
                    found[index[name], place] = cost
        return found, constants


def estimates(features: Floats, index: Index, costs: tuple[Floats, Floats], on: Machine) -> dict[str, Floats]:
    """Return the estimates of loop-level rows for one CPU, in units, f64 [rows] by label; 0 instructions of graphs'.

    `features`: f64 [rows, names], where the index, which has all of `Analytical.names`, says.
    """
    of_copies, chain, alive, folded, of_work = (features[:, index[name]] for name in _READ)
    copies = _copies(of_copies)
    sums, constants = features @ costs[0], costs[1]
    instructions, code_bytes = sums[:, 0] + constants[0], sums[:, 1] + constants[1]
    busy = copies * sums[:, 2] + constants[2]
    cycles = np.maximum(busy, chain)
    missing = np.maximum(0.0, folded - on.registers)
    # Where a function must give some registers back as it found them, it saves those that it takes, in pairs.
    saved = np.minimum(on.saved, np.maximum(0.0, alive - (on.registers - on.saved)))
    spills = missing + np.ceil(saved / 2)
    divisor = np.where(cycles > 0, cycles, np.inf)
    return {
        "instructions": instructions,
        "code_bytes": code_bytes,
        "cycles": cycles,
        "vector_registers": np.minimum(on.registers, alive),
        "spills": spills,
        "reloads": spills,
        "stack_bytes": missing * on.bits / 8 + 8 * saved,
        "ipc": of_work * copies / divisor,
        "utilisation": np.minimum(1.0, busy / divisor),
    }


def _copies(found: Floats) -> Floats:
    """Return how often the hottest loop's body is there: once where there is none."""
    return np.where(found == 0, 1.0, found)


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
