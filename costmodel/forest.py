"""Trees as flat arrays, evaluated with NumPy: a model is loaded and asked without the library that trained it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Matrix
from .labels import Floats

_ROWS_AT_ONCE = 64
_ARRAYS = ("feature", "threshold", "left", "value", "roots", "counts", "bases")


@dataclass(frozen=True)
class Forest:
    """The trees of all labels, their nodes one after another; the right child of a node follows its left one.

    A leaf is its own left child and has an infinite threshold: a walk that has reached it stays there.
    """

    feature: NDArray[np.int32]
    """The column that a node asks, [nodes]."""
    threshold: NDArray[np.float32]
    """A row goes left where its feature is less, [nodes]."""
    left: NDArray[np.int32]
    """[nodes]"""
    value: NDArray[np.float32]
    """What a leaf adds, [nodes]."""
    roots: NDArray[np.int32]
    """[trees], those of one label together."""
    counts: NDArray[np.int32]
    """How many trees each label has, [labels]."""
    bases: NDArray[np.float32]
    """What each label starts from, [labels]."""
    depth: int

    def predict(self, matrix: Matrix) -> Floats:
        """Return predictions, f64 [rows, labels], of features f32 [rows, columns]."""
        parts = [self._predict(matrix[at : at + _ROWS_AT_ONCE]) for at in range(0, len(matrix), _ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.counts)))

    def _predict(self, matrix: Matrix) -> Floats:
        # All rows through all trees at once, a level at a time; `take` is several times faster than indexing.
        flat = np.ascontiguousarray(matrix).ravel()
        starts = (np.arange(len(matrix), dtype=np.int32) * np.int32(matrix.shape[1]))[:, None]
        nodes = np.tile(self.roots, (len(matrix), 1))
        for _ in range(self.depth):
            asked = flat.take(starts + self.feature.take(nodes))
            nodes = self.left.take(nodes) + (asked >= self.threshold.take(nodes))
        ends = np.cumsum(self.counts)
        sums = np.add.reduceat(self.value[nodes].astype(np.float64), ends - self.counts, axis=1)
        return sums + self.bases.astype(np.float64)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, to be saved."""
        return {**{name: getattr(self, name) for name in _ARRAYS}, "depth": np.asarray([self.depth], np.int32)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Forest:
        """Return what `tensors` came from. Raises KeyError where one is missing."""
        return cls(**{name: tensors[name] for name in _ARRAYS}, depth=int(tensors["depth"][0]))

    @classmethod
    def from_boosters(cls, boosters: Sequence[bytes | None]) -> Forest:
        """Return the trees of XGBoost models of one output each, as `Booster.save_raw("json")` writes them.

        Where there is none, the output is NaN.
        """
        builder = _Builder()
        for raw in boosters:
            if raw is None:
                builder.add_nothing()
            else:
                builder.add(json.loads(raw)["learner"])
        return builder.forest()


class _Builder:
    """Lays nodes out one after another, children side by side."""

    def __init__(self) -> None:
        self.feature: list[int] = []
        self.threshold: list[float] = []
        self.left: list[int] = []
        self.value: list[float] = []
        self.roots: list[int] = []
        self.counts: list[int] = []
        self.bases: list[float] = []
        self.depth = 0

    def add(self, learner: dict[str, Any]) -> None:
        trees = learner["gradient_booster"]["model"]["trees"]
        for tree in trees:
            self._tree(tree)
        self.counts.append(len(trees))
        self.bases.append(float(str(learner["learner_model_param"]["base_score"]).strip("[]")))

    def add_nothing(self) -> None:
        self.roots += self._places(1)
        self.counts.append(1)
        self.bases.append(np.nan)

    def _tree(self, tree: dict[str, Any]) -> None:
        (root,) = self._places(1)
        self.roots.append(root)
        left = [(0, root, 0)]
        while left:
            node, place, depth = left.pop()
            self.depth = max(self.depth, depth)
            child = tree["left_children"][node]
            condition = float(tree["split_conditions"][node])
            if child < 0:
                self.value[place] = condition
                continue
            first, second = self._places(2)
            self.feature[place], self.threshold[place] = int(tree["split_indices"][node]), condition
            self.left[place] = first
            left += [(child, first, depth + 1), (tree["right_children"][node], second, depth + 1)]

    def _places(self, count: int) -> range:
        """Add leaves; return where they are."""
        start = len(self.left)
        self.feature += [0] * count
        self.threshold += [np.inf] * count
        self.left += range(start, start + count)
        self.value += [0.0] * count
        return range(start, start + count)

    def forest(self) -> Forest:
        return Forest(
            np.asarray(self.feature, np.int32),
            np.asarray(self.threshold, np.float32),
            np.asarray(self.left, np.int32),
            np.asarray(self.value, np.float32),
            np.asarray(self.roots, np.int32),
            np.asarray(self.counts, np.int32),
            np.asarray(self.bases, np.float32),
            self.depth,
        )
