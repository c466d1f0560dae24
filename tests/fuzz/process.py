"""Work in a forked process: one that dies or never ends is told of as one that answers is."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .verdict import Verdict

Item = TypeVar("Item")
Found = TypeVar("Found")


def verdicts(
    check: Callable[[Item], Found], items: Sequence[Item], seconds: float, at_most: int = 150
) -> Iterator[tuple[Item, Found | Verdict]]:
    """Check items one after the other in a child, a new one after `at_most` items or a crash; yield what comes.

    For an item that takes longer than `seconds` comes the verdict "hang", for one that ends the process "crash".
    """
    left = list(items)
    while left:
        part = left[:at_most]
        for item, verdict in _in_child(check, part, seconds):
            left.pop(0)
            yield item, verdict


def _in_child(
    check: Callable[[Item], Found], items: Sequence[Item], seconds: float
) -> Iterator[tuple[Item, Found | Verdict]]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.TemporaryFile() as messages:
        child = context.Process(target=_work, args=(check, items, sender, messages.fileno()))
        child.start()
        sender.close()
        for item in items:
            if not receiver.poll(seconds):
                os.kill(child.pid or 0, signal.SIGKILL)
                child.join()
                yield item, Verdict("hang", f"no end within {seconds:.0f} s")
                return
            try:
                yield item, receiver.recv()
            except EOFError:
                child.join()
                messages.seek(0)
                said = messages.read().decode(errors="replace").strip().splitlines()[-12:]
                yield item, Verdict("crash", "\n".join([f"exit status {child.exitcode}", *said]))
                return
        child.join()


def _work(check: Callable[[Any], Any], items: Sequence[Any], sender: Any, messages: int) -> None:
    faulthandler.disable()
    os.dup2(messages, 1)
    os.dup2(messages, 2)
    for item in items:
        os.ftruncate(messages, 0)
        sender.send(check(item))
    sender.close()
    os._exit(0)


def new_folder() -> str:
    """Return a fresh temporary folder; its maker removes it."""
    return str(Path(tempfile.mkdtemp(prefix="slipstick-fuzz-")))
