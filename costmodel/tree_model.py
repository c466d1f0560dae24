"""The released model: a model for each level of text behind one `Predictor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..target import Target
from .features import level, text_features
from .labels import LABELS, Floats
from .level_model import MOST_OUTSIDE, LevelModel, group
from .predictor import Predicted, Prediction


@dataclass(frozen=True)
class TreeModel:
    """A `Predictor`."""

    levels: Mapping[str, LevelModel]
    """By level of text: `loops`, `graph`."""
    record: Mapping[str, object]
    """How it was trained: corpus, rows, seeds, versions, hyper-parameters."""

    def predict(self, texts: Sequence[str], target: Target) -> list[Predicted]:
        """Return what is predicted of each text for the CPU."""
        levels = [level(text) for text in texts]
        rows = [text_features(text, target) for text in texts]
        return self.predict_features(rows, levels, target)

    def predict_features(
        self, rows: Sequence[Mapping[str, float]], levels: Sequence[str], target: Target
    ) -> list[Predicted]:
        """Return what is predicted of rows of features of texts of those levels: the labels that the corpus had."""
        found: list[Predicted] = [_NOTHING] * len(rows)
        for name in dict.fromkeys(levels):
            chosen = [number for number, own in enumerate(levels) if own == name]
            model = self.levels.get(name)
            if model is not None:
                predicted = predict_level(model, [rows[number] for number in chosen], [target] * len(chosen))
                for number, one in zip(chosen, predicted, strict=True):
                    found[number] = one
        return found


def predict_level(model: LevelModel, rows: Sequence[Mapping[str, float]], targets: Sequence[Target]) -> list[Predicted]:
    """Return the predictions of rows of features of one level, each for its CPU."""
    if not rows:
        return []
    read = model.inputs(rows, targets)
    centres, spreads = model.centres(read), model.spread.predict(read.matrix)
    values, lows, highs = in_units(centres, model.half_widths(spreads, [group(target) for target in targets]))
    outside = model.support.outside(read.matrix)
    excess = model.excess(spreads)
    known = [(place, label) for place, label in enumerate(LABELS) if label.name in model.quantiles]
    # Python's numbers at once: taking them one by one from arrays costs more than the trees.
    all_values, all_lows, all_highs = values.tolist(), lows.tolist(), highs.tolist()
    return [
        Predicted(
            {
                label.name: Prediction(all_values[n][place], all_lows[n][place], all_highs[n][place], label.unit)
                for place, label in known
            },
            doubts(model, row, int(outside[n]), float(excess[n])),
        )
        for n, row in enumerate(rows)
    ]


def in_units(centres: Floats, halves: Floats) -> tuple[Floats, Floats, Floats]:
    """Return values and the ends of intervals in units, counts as integers, each f64 [rows, labels]."""
    values, lows, highs = (np.empty_like(centres) for _ in range(3))
    for place, label in enumerate(LABELS):
        centre, half = centres[:, place], halves[:, place]
        value, low, high = (label.from_scale(centre + shift) for shift in (0.0, -half, half))
        if label.is_count:
            value, low, high = np.round(value), np.ceil(low - 0.5), np.floor(high + 0.5)
        values[:, place], lows[:, place], highs[:, place] = value, np.minimum(low, value), np.maximum(high, value)
    # Nothing that is predicted is negative; adding zero takes the sign from a zero that was rounded.
    for ends in (values, lows, highs):
        np.add(np.maximum(ends, 0.0), 0.0, out=ends)
    return values, lows, highs


def doubts(model: LevelModel, row: Mapping[str, float], outside: int, excess: float) -> tuple[str, ...]:
    """Return why a prediction should not be believed."""
    found = [f"operation {name.removeprefix('op.')} was not seen" for name in model.columns.unknown(row)]
    if outside > MOST_OUTSIDE:
        found.append(f"{outside} features lie outside of what was seen")
    if excess > model.doubtful:
        found.append(f"errors {np.exp(excess):.1f} times the usual are expected")
    return tuple(found)


_NOTHING = Predicted({}, ("no model of this level of text",))
