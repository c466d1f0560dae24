"""A model as files: arrays as safetensors, everything else in JSON, checksummed; nothing runs when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from ..errors import ArgumentError
from ..files import write_atomically, write_bytes_atomically
from .analytical import Analytical
from .columns import Columns
from .forest import Forest
from .labels import LABELS
from .level_model import LevelModel, Support
from .tree_model import TreeModel

FOLDER = Path(__file__).parent / "released"
"""Where the model that comes with slipstick lies."""
FEATURES = 7
"""The version of what is read from a text: a model fits the features that it was trained on."""
_INDEX = "model.json"
_TENSORS = "model.safetensors"
_ARRAYS = ("usual", "low", "high")


def save(model: TreeModel, folder: Path) -> None:
    """Write a model to a folder; the index, which makes it whole, comes last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, NDArray[Any]] = {}
    for name, level in model.levels.items():
        tensors |= {f"{name}.forest.{key}": value for key, value in level.forest.tensors().items()}
        tensors |= {f"{name}.spread.{key}": value for key, value in level.spread.tensors().items()}
        if level.doubt is not None:
            tensors |= {f"{name}.doubt.{key}": value for key, value in level.doubt.tensors().items()}
        own = {"usual": level.usual, "low": level.support.low, "high": level.support.high}
        tensors |= {f"{name}.{key}": np.ascontiguousarray(value) for key, value in own.items()}
    data = safetensors.numpy.save(tensors)
    write_bytes_atomically(folder / _TENSORS, data)
    content = {
        "features": FEATURES,
        "labels": [label.name for label in LABELS],
        "sha256": hashlib.sha256(data).hexdigest(),
        "levels": {
            name: {
                "columns": level.columns.names,
                "costs": level.analytical.tables,
                "weights": dict(zip((label.name for label in LABELS), level.weights.tolist(), strict=True)),
                "quantiles": level.quantiles,
                "doubtful": level.doubtful,
            }
            for name, level in model.levels.items()
        },
        "record": model.record,
    }
    write_atomically(folder / _INDEX, json.dumps(content, ensure_ascii=False))


def load(folder: Path = FOLDER) -> TreeModel:
    """Read a model. Raises ArgumentError where it is missing, damaged, or of other features or labels."""
    if folder == FOLDER and not folder.exists():
        raise ArgumentError(
            "no model: this version of slipstick ships none; make one with `slipstick-cost label` and "
            "`slipstick-cost train`, and name its folder with --model (Python: model=load(folder))"
        )
    content = read_index(folder)
    if content.get("features") != FEATURES or content.get("labels") != [label.name for label in LABELS]:
        raise ArgumentError(
            f"{folder}: expected a model of features {FEATURES}; found one of another version of slipstick"
        )
    path = folder / _TENSORS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != content.get("sha256"):
        raise ArgumentError(f"{path}: is damaged: its checksum is not that of the model")
    try:
        tensors = safetensors.numpy.load(data)
        levels = {name: _level(own, tensors, name) for name, own in content["levels"].items()}
        return TreeModel(levels, content["record"])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        reason = f"{type(error).__name__} {error}"
        raise ArgumentError(
            f"{folder / _INDEX}: is damaged: it does not describe the model's tensors ({reason})"
        ) from None


def _level(content: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], name: str) -> LevelModel:
    forest, spread, doubt = (
        {
            key.removeprefix(f"{name}.{part}."): value
            for key, value in tensors.items()
            if key.startswith(f"{name}.{part}.")
        }
        for part in ("forest", "spread", "doubt")
    )
    usual, low, high = (tensors[f"{name}.{key}"] for key in _ARRAYS)
    return LevelModel(
        Columns(tuple(content["columns"])),
        Analytical(content["costs"]),
        Forest.from_tensors(forest),
        np.asarray([content["weights"][label.name] for label in LABELS], np.float64),
        Forest.from_tensors(spread),
        content["quantiles"],
        usual,
        content["doubtful"],
        Support(low, high),
        Forest.from_tensors(doubt) if doubt else None,
    )


def read_index(folder: Path = FOLDER) -> Mapping[str, Any]:
    """Return the index of a model: its levels and record. Raises ArgumentError where there is none."""
    try:
        content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{folder}: expected a model with a file {_INDEX}; {error}") from None
    if not isinstance(content, dict):
        raise ArgumentError(f"{folder / _INDEX}: expected an object, found {type(content).__name__}")
    return content
