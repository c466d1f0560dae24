"""Candidates timed in a process of their own: one that crashes or never returns ends that process, not this one."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from ..errors import CodegenError
from .artifact import Artifact
from .kernel_bench import Operands

START_LIMIT_S = 120.0
"""What the process may take to start, or to load code and make operands."""
TURN_LIMIT_S = 30.0
"""What a turn of one candidate may take: about half a millisecond of calls, or one call."""
_PACKAGE = __name__.rpartition(".")[0]


class KernelFailure(CodegenError):
    """A candidate ended the process that ran it, or did not return."""

    def __init__(self, place: int, reason: str):
        """`place` is the candidate's number among those that were given."""
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass
class KernelProcess:
    """A process that times candidates; it is started when first needed, and again after a failure."""

    turn_limit_s: float = TURN_LIMIT_S
    _process: subprocess.Popen[bytes] | None = None
    _answers: int = -1
    _errors: IO[bytes] | None = field(default=None, repr=False)

    def time(self, key: str, operands: Operands, artifacts: Sequence[Artifact], rounds: int) -> list[list[float]]:
        """Return the seconds of a call of each candidate in each round, all in turns.

        `key` names the nest: operands are made once for it. Raises KernelFailure for a candidate that does not come
        back, CodegenError where the process says why it cannot run them.
        """
        process = self._started()
        assert process.stdin is not None
        try:
            pickle.dump((key, operands, [artifact.pack() for artifact in artifacts], rounds), process.stdin)
            process.stdin.flush()
        except BrokenPipeError:
            raise CodegenError(f"the process that runs kernels {self._ended()}") from None
        return self._follow()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, self._errors):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            os.close(self._answers)

    def __enter__(self) -> KernelProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._answers, writer = os.pipe()
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"{_PACKAGE}.kernel_worker", str(writer)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                pass_fds=[writer],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                start_new_session=True,
            )
            os.close(writer)
        return self._process

    def _follow(self) -> list[list[float]]:
        """Read answers up to the last one, or until a candidate takes longer than it may."""
        rest, turn, since = b"", -1, time.monotonic()
        while True:
            limit = START_LIMIT_S if turn < 0 else self.turn_limit_s
            left = since + limit - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self.close()
                raise _failure(turn, f"did not return within {limit:g} s")
            data = os.read(self._answers, 1 << 16)
            if not data:
                raise _failure(turn, self._ended())
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                event: dict[str, Any] = json.loads(line)
                turn, since = event.get("turn", turn), time.monotonic()
                if "error" in event:
                    raise CodegenError(event["error"])
                if "seconds" in event:
                    seconds: list[list[float]] = event["seconds"]
                    return seconds

    def _ended(self) -> str:
        """Say how the process ended, which it has."""
        assert self._process is not None and self._errors is not None
        status = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        self.close()
        if status < 0:
            return f"ended by {signal.Signals(-status).name}"
        return f"ended with status {status}: {last}"


def _failure(turn: int, reason: str) -> CodegenError:
    return CodegenError(f"the process that runs kernels {reason}") if turn < 0 else KernelFailure(turn, reason)
