"""`slipstick.load`: a compiled module out of a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .saved import load as read_module

if TYPE_CHECKING:
    from .compiled import CompiledModule


def load(path: str | os.PathLike[str]) -> CompiledModule:
    """Return the module that `CompiledModule.save` has written to a file: code and weights, as after `freeze`.

    Nothing is compiled or packed, and torch-mlir is not needed. The file's code is executed: load what you trust.
    Raises `CodegenError` where the code is for another CPU than this one, and `ArgumentError` for a file that is none,
    that is of another format, or that was changed after it was written.
    """
    return read_module(Path(path))
