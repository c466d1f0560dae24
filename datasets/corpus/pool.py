"""Processes that label programs one after another; a program that hangs or kills its process fails alone."""

from __future__ import annotations

import multiprocessing as mp
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Pool(Generic[Task, Answer]):
    """`workers` processes that call `function`, which must be importable, with one task at a time."""

    def __init__(self, function: Callable[[Task], Answer], workers: int, limit: float) -> None:
        self._function = function
        self._limit = limit
        self._workers = [_Worker[Task, Answer](function) for _ in range(workers)]

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Answer | str]]:
        """Yield each task with its answer, as they come; where there is none, with the reason as text."""
        left = deque(tasks)
        busy: list[_Worker[Task, Answer]] = []
        try:
            while left or busy:
                for worker in self._workers:
                    if left and worker not in busy:
                        worker.give(left.popleft())
                        busy.append(worker)
                earliest = min(worker.since for worker in busy) + self._limit
                ready = wait([worker.connection for worker in busy], max(0.0, earliest - monotonic()))
                for worker in list(busy):
                    late = monotonic() - worker.since > self._limit
                    if worker.connection in ready or late:
                        busy.remove(worker)
                        yield worker.task, worker.answer(self._limit)
        finally:
            for worker in self._workers:
                worker.end()


class _Worker(Generic[Task, Answer]):
    """One process, started when it is first given a task and again after it has died."""

    task: Task
    connection: Connection

    def __init__(self, function: Callable[[Task], Answer]) -> None:
        self._function = function
        self._process: mp.process.BaseProcess | None = None
        self.since = 0.0

    def give(self, task: Task) -> None:
        if self._process is None:
            context = mp.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(self._function, theirs), daemon=True)
            self._process.start()
            theirs.close()
        self.task, self.since = task, monotonic()
        self.connection.send(task)

    def answer(self, limit: float) -> Answer | str:
        """Return the answer, or why there is none; then the process is ended."""
        if not self.connection.poll():
            self.end()
            return f"took longer than {limit:.0f} s"
        try:
            found: Answer | str = self.connection.recv()
        except (EOFError, OSError):
            process = self._process
            self.end()
            return f"the process died with status {process.exitcode if process else None}"
        return found

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.connection.close()
            self._process = None


def _serve(function: Callable[[Task], Answer], connection: Connection) -> None:
    # Lowering prints nothing, but LLVM may warn; the parent's screen belongs to its progress bar.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(function(task))
