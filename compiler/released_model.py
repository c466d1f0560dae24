"""A trained cost model, ready to be asked: read from its files, its trees walked by machine code."""

from __future__ import annotations

from pathlib import Path

from ..costmodel.released import FOLDER, load
from ..costmodel.tree_model import TreeModel
from .forest_code import compiled


def load_model(folder: Path | None = None) -> TreeModel:
    """Return the model of a folder, the released one if not given. Raises ArgumentError as `released.load` does."""
    return compiled(load(folder or FOLDER))
