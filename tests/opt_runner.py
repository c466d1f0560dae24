"""Runs slipstick-opt inside the test process: its `main` isolates the work in a child process by itself."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from slipstick.tools.opt import main


@dataclass(frozen=True)
class Result:
    status: int
    stdout: bytes
    stderr: str


def run_opt(arguments: Sequence[str], stdin: bytes = b"") -> Result:
    """Return what `slipstick-opt arguments` does, with `stdin` as its standard input."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        saved = [os.dup(descriptor) for descriptor in (0, 1, 2)]
        try:
            for descriptor, file in enumerate((source, out, err)):
                os.dup2(file.fileno(), descriptor)
            status = main(arguments)
        finally:
            for descriptor, original in enumerate(saved):
                os.dup2(original, descriptor)
                os.close(original)
        out.seek(0)
        err.seek(0)
        return Result(status, out.read(), err.read().decode("utf-8", "replace"))
