"""Runs work in a child process, because assertions, stack overflows and endless loops in MLIR cannot be caught.

The child tells the parent what it is doing through shared memory, which outlives a crash.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import mmap
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

_STACK_BYTES = 100 << 20
_PR_SET_PDEATHSIG = 1


class Progress:
    """A line of text that both processes see."""

    _SIZE = 4096

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, self._SIZE)

    def set(self, text: str) -> None:
        """Replace the line."""
        data = text.encode("utf-8", "replace")[: self._SIZE - 1]
        self._memory[: len(data) + 1] = data + b"\0"

    def get(self) -> str:
        """Return the line."""
        return self._memory[:].partition(b"\0")[0].decode("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """How the child ended: by itself with a status, or by a signal, or because its time was up."""

    status: int | None
    signal: int | None = None
    timed_out: bool = False

    def text(self) -> str:
        """Return what happened to a child that did not end by itself, e.g. `crashed (SIGSEGV)`."""
        if self.timed_out:
            return "ran out of time"
        if self.signal == signal.SIGKILL:
            return "was killed (SIGKILL; out of memory?)"
        if self.signal == signal.SIGSEGV:
            return "crashed (SIGSEGV; an input nested too deeply overflows the stack)"
        try:
            name = signal.Signals(self.signal or 0).name
        except ValueError:
            name = f"signal {self.signal}"
        return f"crashed ({name})"


def run_isolated(work: Callable[[], int], timeout: float) -> Outcome:
    """Run `work` in a forked child; its result is the child's exit status. `timeout` in seconds; 0: none."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # Python's name for a closed one
            stream.flush()
    parent = os.getpid()
    alive_read, alive_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(alive_read)
        _in_child(work, parent)
    os.close(alive_write)
    timed_out = False
    try:
        # The child holds the other end, so this wakes up when it ends, however it ends.
        ready, _, _ = select.select([alive_read], [], [], timeout or None)
        timed_out = not ready
    finally:
        os.close(alive_read)
        if timed_out or sys.exc_info()[0] is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if timed_out:
        return Outcome(None, timed_out=True)
    if os.WIFSIGNALED(status):
        return Outcome(None, signal=os.WTERMSIG(status))
    return Outcome(os.WEXITSTATUS(status))


def _in_child(work: Callable[[], int], parent: int) -> None:
    """Run `work` and end the process; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        faulthandler.disable()
        die_with(parent)
        _limit(resource.RLIMIT_CORE, 0)
        # The parser and many passes recurse as deep as the IR is nested.
        _limit(resource.RLIMIT_STACK, _STACK_BYTES)
        status = work()
    finally:
        os._exit(status)


def die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, so that nothing is left over (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)


def _limit(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (soft, hard))
