"""A ranker as files: trees as safetensors, everything else in JSON, checksummed; nothing runs when it is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from ..errors import ArgumentError
from ..files import write_atomically, write_bytes_atomically
from .columns import Columns
from .forest import Forest
from .level_model import Support
from .ranker import Ranker
from .released import FOLDER

INDEX = "ranker.json"
_TENSORS = "ranker.safetensors"


def save_ranker(ranker: Ranker, folder: Path, features: int) -> None:
    """Write a ranker of that version of features to a folder; the index, which makes it whole, last. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        **{f"forest.{name}": value for name, value in ranker.forest.tensors().items()},
        "low": np.ascontiguousarray(ranker.support.low),
        "high": np.ascontiguousarray(ranker.support.high),
    }
    data = safetensors.numpy.save(tensors)
    write_bytes_atomically(folder / _TENSORS, data)
    content = {
        "features": features,
        "sha256": hashlib.sha256(data).hexdigest(),
        "columns": ranker.columns.names,
        "margins": dict(ranker.margins),
        "spread": ranker.spread,
        "vectors": sorted(ranker.vectors),
        "record": ranker.record,
    }
    write_atomically(folder / INDEX, json.dumps(content, ensure_ascii=False))


def load_ranker(features: int, folder: Path = FOLDER) -> Ranker:
    """Read a ranker. Raises ArgumentError where it is missing, damaged, or of another version of features."""
    try:
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        data = (folder / _TENSORS).read_bytes()
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{folder}: expected a ranker, files {INDEX} and {_TENSORS}; {error}") from None
    found = content.get("features") if isinstance(content, dict) else None
    if found != features:
        raise ArgumentError(
            f"{folder / INDEX}: expected a ranker of features {features}, found {found}: of another slipstick"
        )
    if hashlib.sha256(data).hexdigest() != content.get("sha256"):
        raise ArgumentError(f"{folder / _TENSORS}: is damaged: its checksum is not that of the ranker")
    try:
        tensors = safetensors.numpy.load(data)
        trees = {name.removeprefix("forest."): own for name, own in tensors.items() if name.startswith("forest.")}
        return Ranker(
            Columns(tuple(content["columns"])),
            Forest.from_tensors(trees),
            {kind: float(margin) for kind, margin in content["margins"].items()},
            float(content["spread"]),
            Support(tensors["low"], tensors["high"]),
            frozenset(content["vectors"]),
            content["record"],
        )
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, safetensors.SafetensorError) as error:
        reason = f"{type(error).__name__} {error}"
        raise ArgumentError(f"{folder / INDEX}: is damaged: it does not describe a ranker ({reason})") from None
