"""Files that a tool writes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import ArgumentError


def check_writable(path: Path, flag: str) -> None:
    """Make the folder of `path` and see that a file can be written there; raises ArgumentError that names `flag`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as problem:
        raise ArgumentError(f"{flag}: {path}: cannot be written: {problem.strerror}") from problem
    if path.is_dir():
        raise ArgumentError(f"{flag}: {path}: expected a file, found a folder")
