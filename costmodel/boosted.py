"""Gradient-boosted trees: one ensemble a label, over named features (XGBoost)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from .columns import Matrix
from .forest import Forest
from .labels import ABSOLUTE, LABELS, Floats

_ABSOLUTE = "reg:absoluteerror"


@dataclass(frozen=True)
class Parameters:
    """Hyper-parameters of the trees."""

    rounds: int = 160
    """Trees a label."""
    depth: int = 7
    leaves: int = 48
    """Most leaves of a tree."""
    rate: float = 0.11
    rows: float = 0.8
    columns: float = 0.35
    least_weight: float = 3.0
    bins: int = 96
    spread_rounds: int = 24
    """Trees a label that predict how far the others are off."""
    spread_depth: int = 5
    seed: int = 0

    def booster(self) -> dict[str, object]:
        """Return them as XGBoost names them."""
        return {
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_depth": self.depth,
            "max_leaves": self.leaves,
            "max_bin": self.bins,
            "eta": self.rate,
            "subsample": self.rows,
            "colsample_bytree": self.columns,
            "min_child_weight": self.least_weight,
            "seed": self.seed,
            "nthread": 1,
        }

    def json(self) -> dict[str, object]:
        """Return them for a run record."""
        return asdict(self)


def train(matrix: Matrix, margins: Floats, truths: Mapping[str, Floats], parameters: Parameters) -> Forest:
    """Train the trees of each label, in the order of `LABELS`.

    `margins`: f64 [rows, labels], where the trees' sums start, on the scale of learning. Truths in units, [rows]; NaN
    where a row has none. Where no row has a label, as without a simulator, the forest gives NaN.
    """

    data = _Data(matrix)

    def one(place: int) -> bytes | None:
        label = LABELS[place]
        known = ~np.isnan(truths[label.name])
        if not known.any():
            return None
        scaled = label.to_scale(truths[label.name][known])
        own = {**parameters.booster(), **({"objective": _ABSOLUTE} if label.name in ABSOLUTE else {})}
        return _train(data.of(known), scaled, margins[known, place], own, parameters.rounds)

    return Forest.from_boosters(_side_by_side(one, len(LABELS)))


def train_spread(matrix: Matrix, spreads: Floats, parameters: Parameters) -> Forest:
    """Train trees for log distances between predictions and truths, f64 [rows, labels], NaN where there is none."""
    own = {**parameters.booster(), "max_depth": parameters.spread_depth, "max_leaves": 24, "min_child_weight": 10.0}
    data = _Data(matrix)

    def one(place: int) -> bytes | None:
        known = np.isfinite(spreads[:, place])
        nothing = np.zeros(int(known.sum()))
        return (
            _train(data.of(known), spreads[known, place], nothing, own, parameters.spread_rounds)
            if known.any()
            else None
        )

    return Forest.from_boosters(_side_by_side(one, spreads.shape[1]))


def train_doubt(matrix: Matrix, is_worst: NDArray[np.bool_], parameters: Parameters) -> Forest:
    """Train trees whose one sum is the log odds that a row is among the worst."""
    own = {**parameters.booster(), "max_depth": parameters.spread_depth, "max_leaves": 24, "min_child_weight": 10.0}
    data = xgb.DMatrix(matrix, is_worst.astype(np.float64))
    # A base score of a half is no odds at all: the sums start from nothing.
    booster = xgb.train({**own, "objective": "binary:logistic", "base_score": 0.5}, data, parameters.spread_rounds)
    forest = Forest.from_boosters([bytes(booster.save_raw("json"))])
    return replace(forest, bases=np.zeros_like(forest.bases))


def fit(matrix: Matrix, truth: Floats, parameters: Parameters, weights: Floats | None = None) -> bytes:
    """Return one ensemble for truths f64 [rows], as `Forest.from_boosters` reads it; `weights` say what rows count."""
    data = xgb.DMatrix(matrix)
    return _train(data, truth, np.zeros(len(truth)), parameters.booster(), parameters.rounds, weights)


class _Data:
    """Rows as XGBoost reads them: labels that the same rows have share what it computes of the features.

    Each thread has one of its own: truths are set on it.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._kept = threading.local()

    def of(self, known: NDArray[np.bool_]) -> xgb.DMatrix:
        """Return the rows of a mask, as it is, or as another ensemble of this thread had them."""
        rows = known.tobytes()
        if getattr(self._kept, "rows", None) != rows:
            self._kept.rows, self._kept.data = rows, xgb.DMatrix(self._matrix[known])
        found: xgb.DMatrix = self._kept.data
        return found


def _side_by_side(one: Callable[[int], bytes | None], count: int) -> Sequence[bytes | None]:
    """Train the trees of each place, as many at a time as there are cores: XGBoost lets go of Python's lock.

    Each ensemble is trained by one thread, so that it does not depend on how many there are.
    """
    with ThreadPoolExecutor(max(1, min(count, len(os.sched_getaffinity(0))))) as pool:
        return list(pool.map(one, range(count)))


def _train(
    data: xgb.DMatrix,
    truth: Floats,
    margin: Floats,
    parameters: dict[str, object],
    rounds: int,
    weights: Floats | None = None,
) -> bytes:
    middle = np.median if parameters["objective"] == _ABSOLUTE else np.mean
    base = float(middle(truth - margin))
    data.set_info(label=truth, base_margin=margin + base, weight=weights)
    booster = xgb.train({**parameters, "base_score": 0.0}, data, rounds)
    booster.set_param({"base_score": base})
    return bytes(booster.save_raw("json"))
