"""Writers that fail or die at any step: whatever stands in their files afterwards is old or new, whole, and readable.

A step is a call of Python into the operating system that opens, writes, renames or removes (told by a profile
function), in a process of its own. At step n the process ends as if it were killed, or the call raises "no space left",
for every n until the action is done. File sizes can be limited besides, so that writes stop in the middle.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Literal

Fault = Literal["kill", "full"]

STEPS = frozenset(
    (
        *("open", "write", "flush", "fsync", "replace", "rename", "unlink", "remove", "close", "mkdir", "mkstemp"),
        *("truncate", "ftruncate", "flock", "chmod", "utime", "__exit__", "writelines"),
    )
)
"""Names of built-in functions that count as a step."""
DONE, FAILED, KILLED = 0, 3, 9


def run_with_fault(action: Callable[[], Any], fault: Fault, step: int) -> int:
    """Run an action in a forked process with the fault at step number `step`, from 1; return its exit status.

    `DONE` is returned where it succeeded (the fault may have been dealt with, or not been reached), `FAILED` where it
    raised an error of slipstick or the operating system, `KILLED` where it was killed. Any other exception is 1.
    """
    return _in_child(lambda: _with_hook(action, fault, step))


def run_with_file_limit(action: Callable[[], Any], most: int) -> int:
    """Run an action in a process that may make no file longer than `most` bytes; returns as `run_with_fault`."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        action()

    return _in_child(limited)


def run_without_rights(action: Callable[[], Any]) -> int:
    """Run an action as a user who owns nothing; returns as `run_with_fault`. Only root may call it."""

    def other() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        action()

    return _in_child(other)


def every_step(action: Callable[[], Any], fault: Fault, after: Callable[[int], None], most: int = 400) -> int:
    """Run an action with the fault at each of its steps, and `after` with the status each time; return their number."""
    for step in range(1, most + 1):
        if fault == "kill":
            status = run_with_fault(action, "kill", step)
            if status == DONE:
                return step - 1
        else:
            if run_with_fault(action, "kill", step) == DONE:
                return step - 1
            after(KILLED)
            status = run_with_fault(action, fault, step)
        after(status)
    raise AssertionError(f"an action of more than {most} steps")


def _with_hook(action: Callable[[], Any], fault: Fault, step: int) -> None:
    count = 0

    def hook(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event != "c_call" or getattr(argument, "__name__", "") not in STEPS:
            return
        count += 1
        if count != step:
            return
        sys.setprofile(None)
        if fault == "kill":
            os._exit(KILLED)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.setprofile(hook)
    try:
        action()
    finally:
        sys.setprofile(None)


def _in_child(action: Callable[[], Any]) -> int:
    from slipstick.errors import SlipstickError

    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            action()
            status = DONE
        except (OSError, SlipstickError):
            status = FAILED
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
