"""Progress of a tool on standard error: what is being done, that it moves, and how long it took."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

_TICK_S = 1.0


class Steps:
    """Announces steps one after the other: on a terminal a spinner and a bar, elsewhere a line with a dot a second."""

    def __init__(self, console: Console):
        self._console = console

    @contextlib.contextmanager
    def step(self, text: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Show a step while the block runs; call the yielded function once for each of `total` parts done."""
        start = time.perf_counter()
        show = self._live if self._console.is_terminal else self._dots
        with show(text, total) as advance:
            yield advance
        took = f"{time.perf_counter() - start:5.1f} s"
        if self._console.is_terminal:
            self._console.print(f"  [green]✓[/] {text} [dim]{took}[/]", highlight=False)
        else:
            self._write(f" {took.strip()}\n")

    @contextlib.contextmanager
    def parts(self, text: str, total: int) -> Iterator[Callable[[str], AbstractContextManager[Callable[[str], None]]]]:
        """Show a long step of `total` parts, with the time left; run each part inside the yielded `part(name)`.

        On a terminal one bar tells the part's name, and what it is doing if the function that `part` yields is called;
        elsewhere each part that is done is a line.
        """
        start = time.perf_counter()
        count = 0
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
        with Progress(
            *columns,
            TextColumn("{task.completed} of {task.total}"),
            _Seconds(),
            TextColumn("{task.fields[left]}", style="dim"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as progress:
            task = progress.add_task(text, total=total, left="")

            @contextlib.contextmanager
            def part(name: str) -> Iterator[Callable[[str], None]]:
                nonlocal count
                progress.update(task, description=f"{text}: {name}")
                yield lambda detail: progress.update(task, description=f"{text}: {name}: {detail}")
                count += 1
                elapsed = time.perf_counter() - start
                left = f"{_duration(elapsed / count * (total - count))} left"
                progress.update(task, completed=count, left=left)
                if not self._console.is_terminal:
                    self._write(f"  {count} of {total}: {name}; {_duration(elapsed)}, {left}\n")

            yield part
        self._console.print(f"  [green]✓[/] {text} [dim]{_duration(time.perf_counter() - start)}[/]", highlight=False)

    @contextlib.contextmanager
    def _live(self, text: str, total: int | None) -> Iterator[Callable[[], None]]:
        columns: list[ProgressColumn] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
        if total is not None:
            columns.append(BarColumn(bar_width=24))
        with Progress(*columns, _Seconds(), console=self._console, transient=True) as progress:
            task = progress.add_task(text, total=total)
            yield lambda: progress.advance(task)

    @contextlib.contextmanager
    def _dots(self, text: str, total: int | None) -> Iterator[Callable[[], None]]:
        self._write(f"  {text} ")
        done = threading.Event()

        def tick() -> None:
            while not done.wait(_TICK_S):
                self._write(".")

        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield lambda: None
        except BaseException:
            self._write("\n")
            raise
        finally:
            done.set()
            ticker.join()

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class _Seconds(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.elapsed or 0:5.1f} s", style="dim")
