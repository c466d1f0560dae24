"""Compiled modules as bytes, for pickles and deep copies: the file that `CompiledModule.save` writes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import saved

if TYPE_CHECKING:
    from .compiled import CompiledModule


def to_bytes(module: CompiledModule) -> bytes:
    """Return a module's file. Raises `ArgumentError` as `CompiledModule.save` does."""
    with tempfile.TemporaryDirectory(prefix="slipstick-") as folder:
        path = Path(folder) / "module.slip"
        saved.save(module, path)
        return path.read_bytes()


def restored(data: bytes) -> CompiledModule:
    """Return the module of a file. Raises as `slipstick.load` does: it is code for one CPU, and is executed."""
    with tempfile.TemporaryDirectory(prefix="slipstick-") as folder:
        path = Path(folder) / "module.slip"
        path.write_bytes(data)
        return saved.load(path)
