"""Processes that label programs one after another; a program that hangs or kills its process fails alone."""

from __future__ import annotations

import multiprocessing as mp
import os
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Generic, TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Pool(Generic[Task, Answer]):
    """`workers` processes that call `function`, which must be importable, with one task at a time.

    A task may take `limit` seconds, and `cpu_limit` seconds of CPU time: on a busy machine the second is what is fair.
    """

    def __init__(
        self, function: Callable[[Task], Answer], workers: int, limit: float, cpu_limit: int | None = None
    ) -> None:
        self._limit = limit
        self._workers = [_Worker[Task, Answer](function, cpu_limit) for _ in range(workers)]

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Answer | str]]:
        """Yield each task with its answer, as they come; where there is none, with the reason as text.

        A task is taken when a process is free for it.
        """
        left = iter(tasks)
        busy: list[_Worker[Task, Answer]] = []
        try:
            while True:
                idle = [worker for worker in self._workers if worker not in busy]
                for worker, task in zip(idle, left, strict=False):
                    worker.give(task)
                    busy.append(worker)
                if not busy:
                    return
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

    def __init__(self, function: Callable[[Task], Answer], cpu_limit: int | None) -> None:
        self._function = function
        self._cpu_limit = cpu_limit
        self._process: mp.process.BaseProcess | None = None
        self.since = 0.0

    def give(self, task: Task) -> None:
        if self._process is None:
            context = mp.get_context("spawn")
            self.connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(self._function, theirs, self._cpu_limit), daemon=True)
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
            if process is not None:
                process.join(_LAST_WORDS_S)
            self.end()
            status = process.exitcode if process else None
            if status == -signal.SIGXCPU:
                return f"took longer than {self._cpu_limit} s of CPU time"
            return f"the process died with status {status}"
        return found

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.connection.close()
            self._process = None


_LAST_WORDS_S = 10.0
"""Seconds between the end of a process's connection and its own."""


def _serve(function: Callable[[Task], Answer], connection: Connection, cpu_limit: int | None) -> None:
    # Lowering prints nothing, but LLVM may warn; the parent's screen belongs to its progress bar.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if cpu_limit is not None:
            _allow(cpu_limit)
        connection.send(function(task))


def _allow(seconds: int) -> None:
    """End this process when it has taken that much CPU time more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))
