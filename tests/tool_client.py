"""Starts `tool_server.py` for a test."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tool_server(*flags: str) -> Iterator[Path]:
    """Yield a folder with the tools, served by one process; a short path, as sockets want it."""
    with tempfile.TemporaryDirectory(prefix="lit-") as folder:
        command = [sys.executable, str(Path(__file__).with_name("tool_server.py")), folder, *flags]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None and server.stdout.readline() == b"ready\n"
            yield Path(folder)
