"""The model of one level of text: trees that correct an analytical estimate, their errors, and when to doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..target import Target
from .analytical import Analytical, estimates
from .blend import blend
from .columns import Columns, Index, Matrix, Rows
from .conformal import half_widths
from .forest import Forest
from .labels import LABELS, MARGINS, Floats, to_scale
from .machine import Machine, machine

ESTIMATE = "est."
"""What the names of features begin with that are analytical estimates."""

MOST_OUTSIDE = 6
"""Features that may lie outside of what training saw before the model is unsure."""
WORST = 0.05
"""The share of rows whose errors a model ought to doubt."""
JUDGED = ("vector_registers", "spills", "instructions", "cycles")
"""The labels whose expected errors decide about doubt."""
_PLACES = {label.name: place for place, label in enumerate(LABELS)}
_JUDGED = np.asarray([place for place, label in enumerate(LABELS) if label.name in JUDGED])
_HAS_MARGIN = np.asarray([label.name in MARGINS for label in LABELS])


@dataclass(frozen=True)
class Support:
    """What training saw of each column."""

    low: Matrix
    """f32 [columns]"""
    high: Matrix
    """f32 [columns]"""

    def outside(self, matrix: Matrix) -> Matrix:
        """Return how many columns of each row lie outside, i64 [rows]."""
        return np.asarray(((matrix < self.low) | (matrix > self.high)).sum(axis=1))


@dataclass(frozen=True)
class Inputs:
    """Rows as the trees read them."""

    matrix: Matrix
    """f32 [rows, columns]"""
    margins: Floats
    """f64 [rows, labels]: the analytical estimates, on the scale of learning, 0 where the trees start from nothing."""
    estimates: Floats
    """f64 [rows, labels]: all analytical estimates, on the scale of learning, NaN for a label that has none."""
    has_others: NDArray[np.bool_]
    """Which rows have operations without a column, [rows]."""


@dataclass(frozen=True)
class LevelModel:
    """Trees, spreads and intervals."""

    columns: Columns
    analytical: Analytical
    forest: Forest
    weights: Floats
    """How much the trees count beside the analytical estimate, f64 [labels]."""
    spread: Forest
    """Log of the expected distance between prediction and truth, on the scale of learning."""
    quantiles: Mapping[str, Mapping[str, float]]
    """By label and group: how many expected distances the half of a 90 % interval is."""
    usual: Floats
    """The median log distance of each label, f64 [labels]."""
    doubtful: float
    """What `doubts` gives above which the model is unsure."""
    support: Support
    doubt: Forest | None = None
    """Log odds of an error among the worst; None in a model of an earlier version, which goes by the spreads alone."""

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self.columns, self.analytical)

    def inputs(self, rows: Rows, targets: Sequence[Target]) -> Inputs:
        """Return features, those of the analytical model among them, as the trees read them."""
        return self._reader.inputs(rows, targets)

    def centres(self, found: Inputs) -> Floats:
        """Return predictions on the scale of learning, f64 [rows, labels]."""
        return blend(self.forest.predict(found.matrix) + found.margins, found.estimates, self.weights)

    @cached_property
    def _factors(self) -> dict[str, Floats]:
        """By group of CPUs, filled as they are asked for, f64 [labels]."""
        return {}

    def half_widths(self, spreads: Floats, targets: Sequence[Target]) -> Floats:
        """Return half widths of 90 % intervals on the scale of learning, f64 [rows, labels]."""
        found, different = np.exp(spreads), different_ones(targets)
        if len(different) == 1:
            return np.asarray(found * self._factors_of(group(targets[0])))
        own = np.fromiter(map(id, targets), np.int64, len(targets))
        for target in different:
            found[own == id(target)] *= self._factors_of(group(target))
        return found

    def _factors_of(self, name: str) -> Floats:
        if name not in self._factors:
            factors = [half_widths(dict(self.quantiles.get(label.name, {})), [name])[0] for label in LABELS]
            self._factors[name] = np.asarray(factors)
        return self._factors[name]

    def doubts(self, matrix: Matrix, spreads: Floats) -> Floats:
        """Return how doubtful rows are, f64 [rows]: how much larger than usual the expected errors are.

        That is the log of the mean ratio; where there are trees for it, the log odds of one of the worst errors are
        added: together they find more of these than either.
        """
        found = excess(spreads, self.usual)
        return found if self.doubt is None else found + self.doubt.predict(matrix)[:, 0]

    def why(self, doubt: float) -> str:
        """Return what a row's doubt says, in words."""
        if self.doubt is None:
            return f"errors {np.exp(doubt):.1f} times the usual are expected"
        return "one of the largest errors is likely"


class Reader:
    """Turns rows of features into what trees read, with the analytical estimates among them."""

    def __init__(self, columns: Columns, analytical: Analytical) -> None:
        self._analytical = analytical
        self._index = Index((*columns.names, *analytical.names))
        self._width = len(columns.names)
        self._costs: dict[str, tuple[Floats, Floats]] = {}

    def estimates(self, rows: Rows, targets: Sequence[Target]) -> dict[str, Floats]:
        """Return the estimates in units, f64 [rows] by label."""
        return self._estimates(self._index.table(rows)[0], targets)

    def inputs(self, rows: Rows, targets: Sequence[Target]) -> Inputs:
        """Return the matrix of rows with the analytical estimates in it, the margins and the estimates."""
        table, others = self._index.table(rows)
        matrix = table[:, : self._width].astype(np.float32)
        estimated = np.full((len(rows), len(LABELS)), np.nan)
        for name, values in self._estimates(table, targets).items():
            estimated[:, _PLACES[name]] = values
            column = self._index[f"{ESTIMATE}{name}"]
            if column < self._width:
                matrix[:, column] = values
        found = to_scale(estimated)
        return Inputs(matrix, np.where(_HAS_MARGIN, found, 0.0), found, others)

    def _estimates(self, table: Floats, targets: Sequence[Target]) -> dict[str, Floats]:
        different = different_ones(targets)
        if len(different) == 1:
            return self._of_machine(table, machine(targets[0]))
        found: dict[str, Floats] = {}
        own = np.fromiter(map(id, targets), np.int64, len(targets))
        for target in different:
            chosen = own == id(target)
            for name, values in self._of_machine(table[chosen], machine(target)).items():
                found.setdefault(name, np.zeros(len(table)))[chosen] = values
        return found

    def _of_machine(self, table: Floats, on: Machine) -> dict[str, Floats]:
        costs = self._costs.get(on.isa)
        if costs is None:
            costs = self._costs[on.isa] = self._analytical.costs(on.isa, self._index)
        return estimates(table, self._index, costs, on)


def different_ones(targets: Sequence[Target]) -> list[Target]:
    """Return each object among the targets once: their hashes, of all features, would cost more than the trees."""
    return list({id(target): target for target in targets}.values())


def inputs(columns: Columns, analytical: Analytical, rows: Rows, targets: Sequence[Target]) -> Inputs:
    """Return rows of features as trees of those columns read them."""
    return Reader(columns, analytical).inputs(rows, targets)


def excess(spreads: Floats, usual: Floats) -> Floats:
    """Return the log of the mean over the judged labels of the expected error in usual ones, f64 [rows]."""
    ratios = np.exp(spreads[:, _JUDGED] - usual[_JUDGED])
    known = ~np.isnan(ratios)
    counts = known.sum(axis=1)
    means = np.where(known, ratios, 0.0).sum(axis=1) / np.maximum(counts, 1)
    return np.asarray(np.log(np.where(counts > 0, means, np.nan)))


def group(target: Target) -> str:
    """Return the group of CPUs that has intervals of its own."""
    on = machine(target)
    return f"{on.isa} {on.bits}"
