"""A model as files: arrays as safetensors, everything else in JSON, checksummed; nothing runs when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.numpy

from ..errors import ArgumentError
from ..files import write_atomically, write_bytes_atomically
from .columns import Columns
from .forest import Forest
from .labels import LABELS
from .tokeniser import VERSION
from .tree_model import Support, TreeModel

FOLDER = Path(__file__).parent / "released"
"""Where the model that comes with slipstick lies."""
_INDEX = "model.json"
_TENSORS = "model.safetensors"


def save(model: TreeModel, folder: Path) -> None:
    """Write a model to a folder; the index, which makes it whole, comes last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**model.forest.tensors(), "low": model.support.low, "high": model.support.high}
    data = safetensors.numpy.save(tensors)
    write_bytes_atomically(folder / _TENSORS, data)
    content = {
        "words": VERSION,
        "labels": [label.name for label in LABELS],
        "sha256": hashlib.sha256(data).hexdigest(),
        "columns": model.columns.names,
        "quantiles": model.quantiles,
        "record": model.record,
    }
    write_atomically(folder / _INDEX, json.dumps(content, ensure_ascii=False))


def load(folder: Path = FOLDER) -> TreeModel:
    """Read a model. Raises ArgumentError where it is missing, damaged, or of another version's words or labels."""
    if folder == FOLDER and not folder.exists():
        raise ArgumentError(
            "no model: this version of slipstick ships none; make one with `slipstick-cost label` and "
            "`slipstick-cost train`, and name its folder with --model (Python: model=load(folder))"
        )
    content = read_index(folder)
    if content.get("words") != VERSION or content.get("labels") != [label.name for label in LABELS]:
        raise ArgumentError(f"{folder}: expected a model of words {VERSION}; found one of another version of slipstick")
    path = folder / _TENSORS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArgumentError(f"{path}: cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != content.get("sha256"):
        raise ArgumentError(f"{path}: is damaged: its checksum is not that of the model")
    tensors = safetensors.numpy.load(data)
    support = Support(tensors["low"], tensors["high"])
    columns = Columns(tuple(content["columns"]))
    return TreeModel(columns, Forest.from_tensors(tensors), content["quantiles"], support, content["record"])


def read_index(folder: Path = FOLDER) -> Mapping[str, Any]:
    """Return the index of a model: its columns, quantiles and record. Raises ArgumentError where there is none."""
    try:
        content = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{folder}: expected a model with a file {_INDEX}; {error}") from None
    if not isinstance(content, dict):
        raise ArgumentError(f"{folder / _INDEX}: expected an object, found {type(content).__name__}")
    return content
