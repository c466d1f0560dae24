"""Judges models on rows that they were not trained on, one split after another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import baselines
from .blend import blend
from .boosted import Parameters, train
from .labels import LABELS, Floats
from .level_model import MOST_OUTSIDE, Inputs, Support, group, inputs
from .metrics import Metrics, measure
from .networks_runs import networks
from .splits import NAMES, Mask, Part, Rows, Split, leaks, splits
from .training import (
    DOUBTED,
    Examples,
    HeldOut,
    are_worst,
    held_out,
    interval_factors,
    prepare,
    prepared_on,
    relative_errors,
    usual_distances,
)
from .tree_model import in_units

BY_NETWORKS = ("families", "random")
"""Splits that networks are trained on."""
_KERNEL = ("program", "target", "kind", "function", "lmul", "operations")
"""What the schedules of one kernel have in common."""
MOST_ROWS = 6_000
"""Rows that train for one part of a split other than `families`, whose models are those that calibrate the intervals:
fourteen parts of all rows would take an hour. The table says how many there were."""
MOST_JUDGED = 3_000
"""Rows that networks are judged on, which take them long without a GPU."""
ADAPTED = 0.01
"""The share of a held-out CPU's labels that the trees are shown in the last row of its table."""


@dataclass(frozen=True)
class Judgement:
    """One split of one level: by model and label, what was found."""

    split: str
    level: str
    train_rows: int
    test_rows: int
    leaks: int
    unsure: float
    """Share of judging rows of which the model says so."""
    caught: float
    """Share of the worst errors that are among them."""
    metrics: dict[str, dict[str, Metrics]]


@dataclass(frozen=True)
class Ready:
    """One level's rows, and what is computed of them once for all splits."""

    level: str
    examples: Examples
    columns: Any
    read: Inputs
    held: HeldOut

    @classmethod
    def of(cls, level: str, examples: Examples, parameters: Parameters) -> Ready:
        """Read rows, and train the models without each family: their errors make the intervals of every split."""
        analytical, columns = prepare(examples)
        read = inputs(columns, analytical, examples.features, examples.targets)
        return cls(level, examples, columns, read, held_out(examples, parameters))


def judge(
    ready: Ready,
    parameters: Parameters,
    say: Callable[[str], None] = lambda _: None,
    names: Sequence[str] = NAMES,
    with_networks: bool = False,
    known: Collection[str] = (),
) -> Iterator[Judgement]:
    """Train and judge on every split but those that are known; `say` is told each split's name before."""
    for own in splits(ready.examples.rows, names):
        if own.name not in known:
            say(own.name)
            yield judge_split(ready, own, parameters)
        one = first_part(own)
        if with_networks and own.name in BY_NETWORKS and one.name not in known:
            say(f"{own.name}, networks")
            yield judge_split(ready, one, parameters, networks(ready.examples, one.parts[0]))


def judged_names(rows: Rows, names: Sequence[str], with_networks: bool) -> set[str]:
    """Return what `judge` calls the splits of rows."""
    own = {found.name for found in splits(rows, names)}
    return own | {_part_name(name) for name in own if with_networks and name in BY_NETWORKS}


def first_part(split: Split) -> Split:
    """Return what networks are compared on, one part of a split with some of its judging rows.

    All other models are judged on the same rows.
    """
    part = split.parts[0]
    return replace(split, name=_part_name(split.name), parts=(replace(part, test=_some(part.test, MOST_JUDGED)),))


def _part_name(name: str) -> str:
    return f"{name} (one part)"


def judge_split(
    ready: Ready, found: Split, parameters: Parameters, extra: Mapping[str, Floats] | None = None
) -> Judgement:
    """Train and judge on one split; `extra` are predictions of other models of its judging rows, by name."""
    examples, truth = ready.examples, ready.examples.scaled()
    test = np.concatenate([np.flatnonzero(part.test) for part in found.parts])
    centres: dict[str, list[Floats]] = {}
    for number, part in enumerate(found.parts):
        for name, values in _models(ready, found, number, part, truth, parameters).items():
            centres.setdefault(name, []).append(values)
    whole = {name: np.concatenate(values) for name, values in centres.items()} | dict(extra or {})
    halves, unsure = _doubt(ready, found, test)
    metrics = {
        name: _measure(examples, test, values, halves if name == "trees" else np.full_like(halves, np.nan))
        for name, values in whole.items()
    }
    errors = relative_errors(whole["trees"], truth[test], usual_distances(ready.held.spreads))
    worst = are_worst(errors)
    train_rows = int(np.mean([_thinned(found, part.train).sum() for part in found.parts]))
    return Judgement(
        found.name,
        ready.level,
        train_rows,
        len(test),
        leaks(examples.rows, found),
        float(np.mean(unsure)),
        float(np.mean(unsure[worst])),
        metrics,
    )


def _models(
    ready: Ready, found: Split, number: int, part: Part, truth: Floats, parameters: Parameters
) -> dict[str, Floats]:
    """Return by model what it predicts of a part's judging rows, on the scale of learning."""
    read, test, learns = ready.read, part.test, _thinned(found, part.train)
    if found.name.startswith("families"):
        trees, estimates = ready.held.centres[test], ready.held.estimates[test]
    else:
        fitted, own = prepared_on(ready.examples, learns), ready.examples.where(learns).truths
        forest = train(fitted.matrix[learns], fitted.margins[learns], own, parameters)
        estimates = fitted.estimates[test]
        trees = blend(forest.predict(fitted.matrix[test]) + fitted.margins[test], estimates, ready.held.weights)
    models = {
        "trees": trees,
        "analytical": estimates,
        "linear": baselines.linear(ready.columns, read.matrix, truth, learns, test),
        "constant": baselines.constant(truth, part.train, int(test.sum())),
    }
    if found.is_of_targets:
        models[f"trees, {100 * ADAPTED:.0f} % seen"] = _adapted(ready, test, trees, truth, parameters)
    return models


def _thinned(found: Split, train: Mask) -> Mask:
    """Return the rows that train: of more than `MOST_ROWS`, as many, evenly from all; all where families are held."""
    return train if found.name.startswith("families") else _some(train, MOST_ROWS)


def _some(mask: Mask, most: int) -> Mask:
    """Return the rows of a mask: of more than `most`, as many, evenly from all."""
    places = np.flatnonzero(mask)
    if len(places) <= most:
        return mask
    thinned = np.zeros_like(mask)
    thinned[places[np.linspace(0, len(places) - 1, most).astype(np.int64)]] = True
    return thinned


def _adapted(ready: Ready, test: Mask, trees: Floats, truth: Floats, parameters: Parameters) -> Floats:
    """Return predictions corrected by small trees that saw the errors on some rows of the held-out CPU.

    Those rows keep their old predictions: they do not judge better for having been seen.
    """
    places = np.flatnonzero(test)
    rng = np.random.default_rng(parameters.seed)
    seen = rng.permutation(len(places))[: max(8, round(ADAPTED * len(places)))]
    small = replace(parameters, rounds=40, depth=3, leaves=6, least_weight=2.0, columns=0.5, rate=0.1)
    shown = np.zeros(len(test), bool)
    shown[places[seen]] = True
    order = np.flatnonzero(shown)
    margins = np.zeros_like(truth)
    margins[places] = trees
    forest = train(ready.read.matrix[order], margins[order], ready.examples.where(shown).truths, small)
    found = np.asarray(forest.predict(ready.read.matrix[test]) + trees)
    found[seen] = trees[seen]
    return found


def _doubt(ready: Ready, found: Split, test: Any) -> tuple[Floats, Mask]:
    """Return half widths of intervals on the scale of learning, and of which rows the model is unsure.

    The factors of a fold's intervals come from the other folds.
    """
    held, examples = ready.held, ready.examples
    groups = [group(target) for target in examples.targets]
    halves = np.full(held.centres.shape, np.nan)
    unsure = np.zeros(len(groups), bool)
    for fold in range(int(held.folds.max()) + 1):
        mine, others = held.folds == fold, held.folds != fold
        if not mine.any() or not others.any():
            continue
        factors = interval_factors(examples, held, groups, others)
        for place, label in enumerate(LABELS):
            if label.name in factors:
                own = factors[label.name]
                widths = np.asarray([own.get(name, own[""]) for name in groups])
                halves[mine, place] = widths[mine] * np.exp(held.spreads[mine, place])
        seen = ready.read.matrix[others]
        support = Support(seen.min(axis=0), seen.max(axis=0))
        unsure[mine] = held.doubts[mine] > np.quantile(held.doubts[others], 1 - DOUBTED)
        unsure[mine] |= support.outside(ready.read.matrix[mine]) > MOST_OUTSIDE
    return halves[test], unsure[test]


def _measure(examples: Examples, test: Any, centres: Floats, halves: Floats) -> dict[str, Metrics]:
    values, lows, highs = in_units(centres, halves)
    rows = [examples.rows[place] for place in test.tolist()]
    kernels = [tuple(str(row.get(name)) for name in _KERNEL) for row in rows]
    return {
        label.name: measure(
            label, values[:, place], examples.truths[label.name][test], lows[:, place], highs[:, place], kernels
        )
        for place, label in enumerate(LABELS)
    }
