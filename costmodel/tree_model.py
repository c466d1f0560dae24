"""The released model: a model for each level of text behind one `Predictor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..target import Target
from .features import level, text_features
from .labels import LABELS, Floats, Label, from_scale
from .level_model import MOST_OUTSIDE, LevelModel, different_ones, group
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
    values, lows, highs = in_units(centres, model.half_widths(spreads, targets))
    outside, doubt = model.support.outside(read.matrix), model.doubts(read.matrix, spreads)
    doubtful = read.has_others | (outside > MOST_OUTSIDE) | (doubt > model.doubtful)
    why: list[tuple[str, ...]] = [()] * len(rows)
    for number in np.flatnonzero(doubtful).tolist():
        why[number] = doubts(model, rows[number], int(outside[number]), float(doubt[number]))
    known = [(place, label.name, label.unit) for place, label in enumerate(LABELS) if _is_known(model, label, targets)]
    # Python's numbers at once: taking them one by one from arrays costs more than the trees.
    ends = zip(values.tolist(), lows.tolist(), highs.tolist(), why, strict=True)
    return [
        Predicted({name: Prediction(one[place], low[place], high[place], unit) for place, name, unit in known}, reasons)
        for one, low, high, reasons in ends
    ]


def _is_known(model: LevelModel, label: Label, targets: Sequence[Target]) -> bool:
    """Tell whether training had a label; a measured one, for CPUs like all of these."""
    groups = model.quantiles.get(label.name)
    if groups is None or not label.is_measured:
        return groups is not None
    return all(group(target) in groups for target in different_ones(targets))


def in_units(centres: Floats, halves: Floats) -> tuple[Floats, Floats, Floats]:
    """Return values and the ends of intervals in units, counts as integers, each f64 [rows, labels]."""
    value, low, high = from_scale(np.stack((centres, centres - halves, centres + halves)))
    value = np.where(_IS_COUNT, np.round(value), value)
    low = np.minimum(np.where(_IS_COUNT, np.ceil(low - 0.5), low), value)
    high = np.maximum(np.where(_IS_COUNT, np.floor(high + 0.5), high), value)
    # Nothing that is predicted is negative; adding zero takes the sign from a zero that was rounded.
    return value + 0.0, np.maximum(low, 0.0) + 0.0, high + 0.0


def doubts(model: LevelModel, row: Mapping[str, float], outside: int, doubt: float) -> tuple[str, ...]:
    """Return why a prediction should not be believed."""
    found = [f"operation {name.removeprefix('op.')} was not seen" for name in model.columns.unknown(row)]
    if outside > MOST_OUTSIDE:
        found.append(f"{outside} features lie outside of what was seen")
    if doubt > model.doubtful:
        found.append(model.why(doubt))
    return tuple(found)


_IS_COUNT = np.asarray([label.is_count for label in LABELS])
_NOTHING = Predicted({}, ("no model of this level of text",))
