"""Splits that cannot leak: who judges, who trains, and what neither may have of the other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .folds import folds, without_copies

Mask = NDArray[np.bool_]
Rows = Sequence[Mapping[str, Any]]
_SHAPE = re.compile(r"(?:memref|tensor)<((?:\d+x)+)")
_LARGE = 0.75


@dataclass(frozen=True)
class Part:
    """Which rows train and which judge, [rows] each."""

    train: Mask
    test: Mask


@dataclass(frozen=True)
class Split:
    """One way to hold rows back: in one part, or in several, each of which judges others."""

    name: str
    parts: tuple[Part, ...]
    is_of_targets: bool = False
    """Whether a CPU is held out: its texts are there for other CPUs, and only text and CPU together are a leak."""


def splits(rows: Rows, names: Sequence[str]) -> Iterator[Split]:
    """Yield the splits of those names that rows allow: `families`, `random`, `kinds`, `shapes`, `targets`."""
    for name in names:
        if name == "families":
            yield Split(name, tuple(_without(rows, folds(rows) == fold) for fold in range(int(folds(rows).max()) + 1)))
        elif name == "random":
            yield Split(name, (_without(rows, np.asarray([_share(row["program"]) >= 0.8 for row in rows])),))
        elif name == "kinds":
            yield Split(name, tuple(_each(rows, "kind")))
        elif name == "shapes":
            sizes = np.asarray([_elements(row["text"]) for row in rows])
            yield Split(name, (_without(rows, sizes > np.quantile(sizes, _LARGE)),))
        elif name == "targets":
            for value in sorted({row["target"] for row in rows}):
                test = np.asarray([row["target"] == value for row in rows])
                if not test.all():
                    yield Split(f"target {value}", (Part(~test, test),), is_of_targets=True)


NAMES = ("families", "random", "kinds", "shapes", "targets")


def leaks(rows: Rows, found: Split) -> int:
    """Return how many judging rows share their text, or their text without numbers, with a row that trains."""
    count = 0
    for part in found.parts:
        for keys in (("canonical", "target"),) if found.is_of_targets else (("canonical",), ("shape_erased",)):
            train = {tuple(row[key] for key in keys) for row, mine in zip(rows, part.train, strict=True) if mine}
            count += sum(
                tuple(row[key] for key in keys) in train for row, judges in zip(rows, part.test, strict=True) if judges
            )
    return count


def _without(rows: Rows, test: Mask) -> Part:
    return Part(without_copies(rows, test), test)


def _each(rows: Rows, column: str) -> Iterator[Part]:
    for value in sorted({row[column] for row in rows}):
        test = np.asarray([row[column] == value for row in rows])
        part = _without(rows, test)
        if part.train.any():
            yield part


def _elements(text: str) -> int:
    """Return the size of the largest memref or tensor that a text names, of known shape."""
    shapes = _SHAPE.findall(text)
    return max((prod(int(size) for size in shape.split("x")[:-1]) for shape in shapes), default=0)


def _share(program: str) -> float:
    return int.from_bytes(hashlib.sha256(program.encode()).digest()[:6], "big") / 2**48
