"""Judges models on rows that they were not trained on, one split after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from . import baselines
from .boosted import Parameters
from .labels import LABELS, Floats
from .metrics import Metrics, measure
from .predictor import Predicted, Prediction
from .splits import Split, leaks, split
from .training import Examples, train_model
from .tree_model import group


@dataclass(frozen=True)
class Judgement:
    """One split: by model and label, what was found."""

    split: str
    train_rows: int
    test_rows: int
    leaks: int
    unsure: float
    """Share of judging rows of which the model says so."""
    metrics: dict[str, dict[str, Metrics]]


def splits_of(examples: Examples) -> Iterator[tuple[str, str | None, tuple[str, ...]]]:
    """Yield name, column and held-out values of every split: at random, each family, each CPU."""
    yield "random", None, ()
    for column in ("family", "target"):
        values = sorted({row[column] for row in examples.rows})
        if len(values) > 1:
            yield from ((f"{column} {value}", column, (value,)) for value in values)


def judge(examples: Examples, parameters: Parameters, say: Callable[[str], None]) -> list[Judgement]:
    """Train and judge on every split; `say` is told each split's name before."""
    found = []
    for name, column, held in splits_of(examples):
        say(name)
        found.append(_judge(examples, split(examples.rows, name, column, held), parameters))
    return found


def _judge(examples: Examples, found: Split, parameters: Parameters) -> Judgement:
    model, matrix = train_model(examples, found, parameters, {})
    rows = examples.features_where(found.test)
    truths = examples.where(found.test)
    trees = model.predict_features(rows, [group(row) for row in rows])
    values = {
        label.name: tuple(_column(trees, label.name, field) for field in ("value", "low", "high")) for label in LABELS
    }
    count = int(found.test.sum())
    others = {
        "constant": baselines.constant(examples.truths, found.train, count),
        "linear": baselines.linear(model.columns, matrix, examples.truths, found.train, found.test),
    }
    metrics = {
        "trees": {label.name: measure(label, *_ordered(values[label.name], truths[label.name])) for label in LABELS}
    }
    nothing = np.full(count, np.nan)
    for name, predicted in others.items():
        metrics[name] = {
            label.name: measure(label, predicted[label.name], truths[label.name], nothing, nothing) for label in LABELS
        }
    unsure = float(np.mean([bool(one.unsure) for one in trees])) if trees else float("nan")
    return Judgement(found.name, int(found.train.sum()), count, leaks(examples.rows, found), unsure, metrics)


def _ordered(found: tuple[Floats, ...], truth: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    value, low, high = found
    return value, truth, low, high


def _column(found: list[Predicted], name: str, field: str) -> Floats:
    """Return one number of each prediction, NaN where the quantity was not learned."""
    nothing = Prediction(np.nan, np.nan, np.nan, "")
    return np.asarray([getattr(one.predictions.get(name, nothing), field) for one in found], np.float64)
