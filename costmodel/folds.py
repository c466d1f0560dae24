"""Families in folds: each family is whole in one, and the folds are about as large as each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDS = 3


def folds(rows: Sequence[Mapping[str, Any]], count: int = FOLDS) -> NDArray[np.int64]:
    """Return the fold of each row, [rows].

    Where there are fewer families than folds, programs are divided instead.
    """
    groups = [row["family"] for row in rows]
    sizes = Counter(groups)
    if len(sizes) < count:
        return np.asarray([_hash(row["program"]) % count for row in rows], np.int64)
    fold_of: dict[str, int] = {}
    filled = [0] * count
    for name, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold = filled.index(min(filled))
        fold_of[name] = fold
        filled[fold] += size
    return np.asarray([fold_of[name] for name in groups], np.int64)


def without_copies(rows: Sequence[Mapping[str, Any]], test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows may train where those of a mask judge.

    None whose text without numbers is that of a judging row: a program of another size would give it away.
    """
    erased = {row["shape_erased"] for row, judges in zip(rows, test, strict=True) if judges}
    return np.asarray([row["shape_erased"] not in erased for row in rows]) & ~test


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
