"""`--mlir-timing` and `--mlir-pass-statistics`: reports on standard error when everything has run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..passes.instrumentation import Execution, Instrumentation

_RULE = "===" + "-" * 73 + "==="


@dataclass
class _Timer:
    name: str
    seconds: float = 0.0
    children: dict[object, _Timer] = field(default_factory=dict)

    def child(self, key: object, name: str) -> _Timer:
        return self.children.setdefault(key, _Timer(name))


class Timing(Instrumentation):
    """Wall time of parsing, of each pass of the pipeline (over all operations it ran on), and of output."""

    def __init__(self) -> None:
        self.root = _Timer("root")
        self._begin = time.perf_counter()
        self._pass_begin = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block under `name`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.root.child(name, name).seconds += time.perf_counter() - begin

    def before_pass(self, execution: Execution) -> None:
        """Start the clock."""
        self._pass_begin = time.perf_counter()

    def after_pass(self, execution: Execution) -> None:
        """Stop the clock."""
        seconds = time.perf_counter() - self._pass_begin
        timer = self.root
        for level, anchor in enumerate(execution.path[1:], start=1):
            timer = timer.child(execution.path[: level + 1], f"'{anchor}' Pipeline")
            timer.seconds += seconds
        timer.child(execution.step, execution.title).seconds += seconds

    def failed_pass(self, execution: Execution) -> None:
        """Stop the clock."""
        self.after_pass(execution)

    def report(self, display: str) -> str:
        """Return the report: nested in order (`tree`), or summed by name and sorted (`list`)."""
        total = time.perf_counter() - self._begin
        rest = _Timer("Rest", max(0.0, total - sum(child.seconds for child in self.root.children.values())))
        if display == "list":
            by_name: dict[str, float] = {}
            for timer, _ in _walk(self.root):
                by_name[timer.name] = by_name.get(timer.name, 0.0) + timer.seconds
            longest_first = sorted(by_name.items(), key=lambda item: -item[1])
            rows = [(_Timer(name, seconds), 0) for name, seconds in longest_first]
        else:
            rows = list(_walk(self.root))
        rows += [(rest, 0), (_Timer("Total", total), 0)]
        lines = [_RULE, f"{'... Execution time report ...':^79}".rstrip(), _RULE]
        lines += [f"  Total Execution Time: {total:.4f} seconds", "", "  ----Wall Time----  ----Name----"]
        for timer, depth in rows:
            share = 100 * timer.seconds / total if total else 0.0
            lines.append(f"  {timer.seconds:8.4f} ({share:5.1f}%)  {'  ' * depth}{timer.name}")
        return "\n".join(lines) + "\n"


def _walk(timer: _Timer, depth: int = 0) -> Iterator[tuple[_Timer, int]]:
    for child in timer.children.values():
        yield child, depth
        yield from _walk(child, depth + 1)


class Statistics(Instrumentation):
    """What the passes of slipstick count. The wheel's MLIR is built without statistics of its own."""

    def __init__(self) -> None:
        self._counts: dict[tuple[tuple[str, ...], int, str], Counter[str]] = {}

    def after_pass(self, execution: Execution) -> None:
        """Add up what the pass counted."""
        if execution.statistics:
            key = (execution.path, execution.step, execution.title)
            self._counts.setdefault(key, Counter()).update(execution.statistics)

    def failed_pass(self, execution: Execution) -> None:
        """Add up what the pass counted."""
        self.after_pass(execution)

    def report(self, display: str) -> str:
        """Return the report, in the order of the pipeline (`pipeline`) or summed by pass and sorted (`list`)."""
        lines = [_RULE, f"{'... Pass statistics report ...':^79}".rstrip(), _RULE]
        if display == "list":
            by_name: dict[str, Counter[str]] = {}
            for (_, _, title), counts in self._counts.items():
                by_name.setdefault(title, Counter()).update(counts)
            for title in sorted(by_name):
                lines += [title, *_rows(by_name[title], "  ")]
        else:
            shown: tuple[str, ...] = ()
            for (path, _, title), counts in sorted(self._counts.items(), key=lambda item: item[0][1]):
                inner = path[1:]
                for level, anchor in enumerate(inner):
                    if shown[: level + 1] != inner[: level + 1]:
                        lines.append(f"{'  ' * level}'{anchor}' Pipeline")
                shown = inner
                indent = "  " * len(inner)
                lines += [indent + title, *_rows(counts, indent + "  ")]
        return "\n".join(lines) + "\n\n"


def _rows(counts: Counter[str], indent: str) -> list[str]:
    width = max(len(str(count)) for count in counts.values())
    return [f"{indent}(S) {count:{width}} {what}" for what, count in sorted(counts.items())]
