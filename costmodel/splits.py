"""Splits that cannot leak: all rows of a program fall on one side, and no program is on both under another name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Which rows train, stop the training, calibrate intervals, and judge; [rows] each."""

    name: str
    train: Mask
    valid: Mask
    calibration: Mask
    test: Mask


def split(rows: Sequence[Mapping[str, Any]], name: str, column: str | None, held: Sequence[str]) -> Split:
    """Return a split: rows whose `column` is among `held` judge, or without a column a tenth of all programs.

    Rows of other programs whose text without numbers is that of a judging row are left out altogether: a program of
    another size would give it away. The rest is divided by program: 80 % train, 8 % stop, 12 % calibrate.
    """
    shares = np.asarray([_share(row["program"]) for row in rows])
    if column is None:
        test = shares >= 0.9
        shares = shares / 0.9
    else:
        test = np.asarray([row[column] in held for row in rows])
    erased = {(row["shape_erased"]) for row, judges in zip(rows, test, strict=True) if judges}
    same_target = column == "target"
    left_out = np.asarray([not same_target and row["shape_erased"] in erased for row in rows])
    free = ~test & ~left_out
    return Split(name, free & (shares < 0.8), free & (shares >= 0.8) & (shares < 0.88), free & (shares >= 0.88), test)


def leaks(rows: Sequence[Mapping[str, Any]], found: Split) -> int:
    """Return how many judging rows share their text, or their text without numbers, with a row of another side."""
    other = {row[key] for row, mine in zip(rows, ~found.test & _used(found), strict=True) if mine for key in _KEYS}
    return sum(any(row[key] in other for key in _KEYS) for row, judges in zip(rows, found.test, strict=True) if judges)


_KEYS = ("canonical", "shape_erased")


def _used(found: Split) -> Mask:
    return found.train | found.valid | found.calibration


def _share(program: str) -> float:
    return int.from_bytes(hashlib.sha256(program.encode()).digest()[:6], "big") / 2**48
