"""Files that a tool writes: whole or not at all."""

from __future__ import annotations

import os
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


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8; a reader sees the old file or the whole new one. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
