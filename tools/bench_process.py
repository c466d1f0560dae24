"""The parent's side of a worker: starts it, reads its lines, ends it when a step takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import SlipstickError
from .bench_request import Request

_BUILD_LIMIT = 600.0
_PACKAGE = __name__.rpartition(".")[0]


@dataclass
class Outcome:
    """What a worker found, and why it ended early, if it did."""

    found: list[dict[str, Any]] = field(default_factory=list)
    counted: dict[str, Any] = field(default_factory=dict)
    """The operations ("flops") and bytes of a graph that does not say them itself."""
    failure: str = ""
    """Empty when it ended by itself with status 0."""
    step: str = ""
    """The step it was in: "build", "prepare", "check" or "time"."""
    subject: str = ""
    """The subject that step was about; empty for none."""


def work(request: Request, say: Callable[[str], None]) -> Outcome:
    """Run a worker to its end, telling `say` what it does; never raises for what happens inside it."""
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{_PACKAGE}.bench_worker", str(writer)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=[writer],
            env=_environment(request.threads),
            # A group of its own: compilers that the subjects start end with it.
            start_new_session=True,
        )
        os.close(writer)
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(json.dumps(asdict(request)).encode())
            outcome = _follow(reader, say)
            if not outcome.failure:
                status = process.wait()
                if status:
                    outcome.failure = _ended(status, output)
            return outcome
        finally:
            os.close(reader)
            _end(process)


def ask(module: str, *arguments: str, limit: float) -> dict[str, Any]:
    """Run `python -m slipstick.tools.MODULE ARGUMENTS` and return the JSON object of its last line.

    Raises SlipstickError if it fails, or takes longer than `limit` seconds.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{_PACKAGE}.{module}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise SlipstickError(f"{module} {' '.join(arguments[:2])}: took longer than {limit:.0f} s") from None
        finally:
            _end(process)
        if status:
            raise SlipstickError(f"{module} {' '.join(arguments[:2])}: {_ended(status, output)}")
        output.seek(0)
        answer: dict[str, Any] = json.loads(output.read().splitlines()[-1])
        return answer


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, and what it started, that is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _follow(reader: int, say: Callable[[str], None]) -> Outcome:
    """Read the worker's lines up to the end of the pipe, or until a step takes longer than it may."""
    outcome = Outcome()
    rest, limit, since = b"", _BUILD_LIMIT, time.monotonic()
    while True:
        left = since + limit - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            outcome.failure = f"took longer than {limit:.0f} s"
            return outcome
        data = os.read(reader, 1 << 16)
        if not data:
            return outcome
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            since = time.monotonic()
            if "found" in event:
                outcome.found.append(event["found"])
                continue
            if "counted" in event:
                outcome.counted = event["counted"]
                continue
            outcome.step, outcome.subject = event["begin"], event["subject"]
            limit = _BUILD_LIMIT if outcome.step == "build" else float(event["limit"])
            say(f"{outcome.step} {outcome.subject}".rstrip())


def _ended(status: int, output: Any) -> str:
    """Say how a worker ended, with the last line that it wrote."""
    output.seek(0)
    lines = output.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1].strip()}"[:300] if lines else ""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"died of {signal.Signals(-status).name}{last}"
    return f"ended with status {status}{last}"


def _environment(threads: int) -> dict[str, str]:
    """Return the worker's environment: nothing from outside about threads, which each subject is told by itself."""
    environment = {name: value for name, value in os.environ.items() if name not in _THREAD_VARIABLES}
    environment["OMP_NUM_THREADS"] = str(threads)
    environment["TOKENIZERS_PARALLELISM"] = "false"
    return environment


_THREAD_VARIABLES = {"OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "KMP_BLOCKTIME", "GOMP_CPU_AFFINITY"}
