"""Gradient-boosted trees: one ensemble a label, over named features (XGBoost)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import xgboost as xgb

from .columns import Matrix
from .forest import Forest
from .labels import LABELS, Floats, Label


@dataclass(frozen=True)
class Parameters:
    """Hyper-parameters of the trees."""

    rounds: int = 1500
    """Most trees a label; fewer where the validation rows stop to gain."""
    patience: int = 50
    depth: int = 8
    rate: float = 0.06
    rows: float = 0.8
    columns: float = 0.5
    least_weight: float = 2.0
    seed: int = 0

    def booster(self) -> dict[str, object]:
        """Return them as XGBoost names them."""
        return {
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.rate,
            "subsample": self.rows,
            "colsample_bytree": self.columns,
            "min_child_weight": self.least_weight,
            "seed": self.seed,
        }

    def json(self) -> dict[str, object]:
        """Return them for a run record."""
        return asdict(self)


def train(
    matrix: Matrix, truths: Mapping[str, Floats], valid: tuple[Matrix, Mapping[str, Floats]], parameters: Parameters
) -> Forest:
    """Train the trees of each label, in the order of `LABELS`. Truths in units, [rows]; NaN where a row has none.

    `valid` are rows that decide when to stop; they should share no program with the others.
    """
    return Forest.from_boosters([_train(label, matrix, truths[label.name], valid, parameters) for label in LABELS])


def _train(
    label: Label, matrix: Matrix, truth: Floats, valid: tuple[Matrix, Mapping[str, Floats]], parameters: Parameters
) -> bytes | None:
    """Return a booster's JSON; None where no row has the label, as without a simulator."""
    if np.all(np.isnan(truth)):
        return None
    data, stop = _data(label, matrix, truth), valid[1][label.name]
    if np.all(np.isnan(stop)):
        booster = xgb.train(parameters.booster(), data, parameters.rounds)
        return bytes(booster.save_raw("json"))
    booster = xgb.train(
        parameters.booster(),
        data,
        parameters.rounds,
        evals=[(_data(label, valid[0], stop), "valid")],
        early_stopping_rounds=parameters.patience,
        verbose_eval=False,
    )
    return bytes(booster[: booster.best_iteration + 1].save_raw("json"))


def _data(label: Label, matrix: Matrix, truth: Floats) -> xgb.DMatrix:
    known = ~np.isnan(truth)
    return xgb.DMatrix(matrix[known], label.to_scale(truth[known]))
