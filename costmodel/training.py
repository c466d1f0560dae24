"""From labelled rows to a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..target import Target
from .analytical import Analytical
from .blend import blend, choose
from .boosted import Parameters, train, train_doubt, train_spread
from .columns import Columns
from .conformal import quantiles
from .features import text_features
from .folds import FOLDS, folds, without_copies
from .labels import LABELS, Floats
from .level_model import ESTIMATE, JUDGED, WORST, Inputs, LevelModel, Reader, Support, excess, group, inputs
from .splits import Mask

COVERAGE = 0.9
DOUBTED = 0.135
"""The share of rows of families not trained on that the model doubts for the size of the errors it expects."""
_LEAST_DISTANCE = 0.02
_MANY = 4000
"""Rows whose features are worth starting processes for."""
_AT_ONCE = 64


@dataclass(frozen=True)
class Examples:
    """Labelled rows of one level as features and truths."""

    rows: Sequence[Mapping[str, Any]]
    features: Sequence[Mapping[str, float]]
    targets: Sequence[Target]
    truths: Mapping[str, Floats]
    """f64 [rows] by label, NaN where a row lacks it."""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], say: Callable[[int], None] = lambda _: None) -> Examples:
        """Compute the features of rows of a corpus, on all cores where they are many; `say` is told how many are done.

        Programs that call this with more than `_MANY` rows keep what they do at import behind `__name__`.
        """
        named = {name: Target.named(name) for name in {row["target"] for row in rows}}
        pairs = ((row["text"], named[row["target"]]) for row in rows)
        features = []
        cores = len(os.sched_getaffinity(0))
        if len(rows) > _MANY and cores > 1:
            with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
                for found in pool.map(_features, pairs, chunksize=_AT_ONCE):
                    features.append(found)
                    say(len(features))
        else:
            for pair in pairs:
                features.append(_features(pair))
                say(len(features))
        truths = {label.name: _column(rows, label.name) for label in LABELS}
        return cls(rows, features, [named[row["target"]] for row in rows], truths)

    def where(self, mask: Mask) -> Examples:
        """Return the rows of a mask."""
        places = np.flatnonzero(mask).tolist()
        return Examples(
            [self.rows[place] for place in places],
            [self.features[place] for place in places],
            [self.targets[place] for place in places],
            {name: values[mask] for name, values in self.truths.items()},
        )

    def scaled(self) -> Floats:
        """Return the truths on the scale of learning, f64 [rows, labels]."""
        return np.stack([label.to_scale(self.truths[label.name]) for label in LABELS], axis=1)


@dataclass(frozen=True)
class HeldOut:
    """What models say of rows of families that they were not trained on, on the scale of learning."""

    folds: NDArray[np.int64]
    """The fold of each row, [rows]."""
    centres: Floats
    """Trees and estimates blended by weights that were chosen on the other folds, f64 [rows, labels]."""
    estimates: Floats
    """Analytical estimates whose costs were fitted without the fold, f64 [rows, labels]."""
    weights: Floats
    """The weights that all folds together choose, f64 [labels]."""
    spreads: Floats
    """Log distances expected by trees that were not trained on the fold either, f64 [rows, labels]."""
    doubts: Floats
    """What `LevelModel.doubts` says by trees that were not trained on the fold either, f64 [rows]."""


def train_level(examples: Examples, parameters: Parameters) -> tuple[LevelModel, HeldOut]:
    """Train on all rows; calibrate intervals on what models without each family say of it."""
    analytical, columns = prepare(examples)
    read = inputs(columns, analytical, examples.features, examples.targets)
    held = held_out(examples, parameters)
    own = [group(target) for target in examples.targets]
    every = np.ones(len(examples.rows), bool)
    factors = interval_factors(examples, held, own, every)
    spread = train_spread(read.matrix, log_distances(held.centres, examples), parameters)
    usual = usual_distances(held.spreads)
    forest = train(read.matrix, read.margins, examples.truths, parameters)
    support = Support(read.matrix.min(axis=0), read.matrix.max(axis=0))
    errors = relative_errors(held.centres, examples.scaled(), usual)
    doubt = train_doubt(read.matrix, are_worst(errors), parameters)
    doubtful = float(np.quantile(held.doubts, 1 - DOUBTED))
    model = LevelModel(
        columns, analytical, forest, held.weights, spread, factors, usual, doubtful, support, doubt=doubt
    )
    return model, held


def prepare(examples: Examples) -> tuple[Analytical, Columns]:
    """Fit the analytical model, and choose columns."""
    analytical = Analytical.fit(examples.features, examples.targets, examples.truths)
    estimated = Reader(Columns(()), analytical).estimates(examples.features, examples.targets)
    computed = {f"{ESTIMATE}{name}": values for name, values in estimated.items()}
    return analytical, Columns.choose(examples.features, computed=computed)


def prepared_on(examples: Examples, trains: Mask) -> Inputs:
    """Return all rows as trees read them, with costs fitted to, and columns chosen for, those that train alone."""
    analytical, columns = prepare(examples.where(trains))
    return inputs(columns, analytical, examples.features, examples.targets)


def held_out(examples: Examples, parameters: Parameters) -> HeldOut:
    """Return what models say that were trained without the families of each row's fold."""
    numbers, truth = folds(examples.rows), examples.scaled()
    trees, estimates, centres = (np.full(truth.shape, np.nan) for _ in range(3))
    reads: dict[int, tuple[Mask, Mask, Inputs]] = {}
    for fold in range(FOLDS):
        test = numbers == fold
        others = without_copies(examples.rows, test)
        if test.any() and others.any():
            read = prepared_on(examples, others)
            forest = train(read.matrix[others], read.margins[others], examples.where(others).truths, parameters)
            trees[test] = forest.predict(read.matrix[test]) + read.margins[test]
            estimates[test] = read.estimates[test]
            reads[fold] = test, others, read
    for test, others, _ in reads.values():
        centres[test] = blend(trees[test], estimates[test], choose(trees, estimates, truth, others))
    distances = log_distances(centres, examples)
    spreads, doubts = np.zeros_like(centres), np.zeros(len(numbers))
    for test, others, read in reads.values():
        spread = train_spread(read.matrix[others], distances[others], parameters)
        spreads[test] = spread.predict(read.matrix[test])
    errors = relative_errors(centres, truth, usual_distances(spreads))
    for test, others, read in reads.values():
        doubt = train_doubt(read.matrix[others], are_worst(errors[others]), parameters)
        doubts[test] = doubt.predict(read.matrix[test])[:, 0]
    doubts += excess(spreads, usual_distances(spreads))
    every = np.ones(len(numbers), bool)
    return HeldOut(numbers, centres, estimates, choose(trees, estimates, truth, every), spreads, doubts)


def log_distances(centres: Floats, examples: Examples) -> Floats:
    """Return log distances between predictions and truths, f64 [rows, labels], NaN without truth or prediction."""
    return np.asarray(np.log(np.abs(centres - examples.scaled()) + _LEAST_DISTANCE))


def usual_distances(spreads: Floats) -> Floats:
    """Return the median log distance that is expected of each label, f64 [labels], 0 for one that is not there."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.median(spreads, axis=0))


def relative_errors(centres: Floats, truth: Floats, usual: Floats) -> Floats:
    """Return one figure for how wrong each row is, f64 [rows]: the mean of error to usual error of the judged labels.

    Predictions and truths on the scale of learning, f64 [rows, labels].
    """
    places = [place for place, label in enumerate(LABELS) if label.name in JUDGED]
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(np.abs(centres - truth)[:, places] / np.exp(usual)[places], axis=1))


def are_worst(errors: Floats) -> Mask:
    """Return which rows are among the `WORST` share."""
    return np.asarray(errors >= np.quantile(errors, 1 - WORST))


def interval_factors(
    examples: Examples, held: HeldOut, groups: Sequence[str], chosen: Mask
) -> dict[str, dict[str, float]]:
    """Return, by label and group, how many expected distances hold nine tenths of the chosen rows."""
    distances = np.abs(held.centres - examples.scaled()) / np.exp(held.spreads)
    found = {}
    for place, label in enumerate(LABELS):
        known = chosen & np.isfinite(distances[:, place])
        if known.any():
            own = [groups[number] for number in np.flatnonzero(known).tolist()]
            found[label.name] = quantiles(distances[known, place], own, COVERAGE)
    return found


def _features(pair: tuple[str, Target]) -> dict[str, float]:
    return text_features(*pair)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    return np.asarray([np.nan if row.get(name) is None else row[name] for row in rows], np.float64)
