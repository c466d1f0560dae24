"""The benchmark's tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from ..target import MIB
from .bench_limits import Limits
from .bench_results import Results, Row, SubjectResult
from .bench_summary import AGAINST_PEERS, AGAINST_TORCH, policies, shortfalls, summarise

HEADINGS = ("graph", "thr", "", "time", "±", "of torch", "GFLOP/s", "GB/s", "limit", "error")


@dataclass(frozen=True)
class Line:
    """One subject of one row, as words; `mark` is "best", "short", "bad" or empty."""

    cells: tuple[str, ...]
    mark: str = ""
    first: bool = False
    """Whether the lines of another row begin here."""


def lines(results: Results) -> Iterator[Line]:
    """Yield the lines of the table of speeds."""
    for row in results.rows:
        if row.failure:
            empty = ("",) * (len(HEADINGS) - 3)
            yield Line((row.graph, str(row.threads), "failed", *empty), "bad", True)
            continue
        best = max((subject.speed or 0.0 for subject in row.subjects if _exact(row, subject)), default=0.0)
        short = bool(shortfalls(results, row))
        for number, subject in enumerate(row.subjects):
            head = (row.graph, str(row.threads)) if number == 0 else ("", "")
            yield Line((*head, *_cells(results, row, subject)), _mark(row, subject, best, short), number == 0)


def _exact(row: Row, subject: SubjectResult) -> bool:
    return subject.error is not None and subject.error <= row.tolerance


def _mark(row: Row, subject: SubjectResult, best: float, short: bool) -> str:
    if subject.status in ("wrong", "failed"):
        return "bad"
    if subject.name == "exact" and short:
        return "short"
    return "best" if subject.speed is not None and subject.speed == best else ""


def _cells(results: Results, row: Row, subject: SubjectResult) -> tuple[str, ...]:
    achieved = results.achieved(row, subject)
    if subject.timing is None or achieved is None:
        error = "" if subject.error is None else f"{subject.error:.0e}"
        return (subject.name, subject.status, *("",) * (len(HEADINGS) - 5), error)
    timing = subject.timing
    spread = (timing.high - timing.low) / 2 / timing.median
    return (
        subject.name,
        duration(timing.median),
        f"{spread:.1%}",
        f"{subject.speed:.2f}x",
        "" if achieved.gflops is None else f"{achieved.gflops:.1f}",
        f"{achieved.gbs:.1f}",
        "" if achieved.fraction is None else f"{achieved.fraction:.0%}",
        "" if subject.error is None or subject.kind == "reference" else f"{subject.error:.0e}",
    )


def speed_table(results: Results) -> Table:
    """Return the table of all rows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number in (0, 2) else "right", no_wrap=True)
    styles = {"best": "green", "short": "yellow", "bad": "red"}
    for line in lines(results):
        if line.first and table.row_count:
            table.add_section()
        table.add_row(*line.cells, style=styles.get(line.mark))
    return table


def summary_lines(results: Results) -> list[str]:
    """Return the means and what falls short, a line each."""
    summary = summarise(results)
    found = []
    if summary.over_torch is not None:
        found.append(
            f"Geometric means over {summary.rows} {'row' if summary.rows == 1 else 'rows'}: exact is "
            f"{summary.over_torch:.2f}x torch eager (asked for: {AGAINST_TORCH}x)"
            + _maybe(summary.over_peers, f", {{:.2f}}x the fastest other peer (asked for: {AGAINST_PEERS}x)")
            + _maybe(summary.lmul_over_exact, "; L-Mul runs at {:.2f} of the exact speed")
            + "."
        )
    if summary.by_peer:
        each = ", ".join(f"{name} {value:.2f}x" for name, value in summary.by_peer.items())
        found.append(f"Exact over each peer: {each}.")
    for one in policies(results):
        where, least = one.slowest
        found.append(
            f"Kernels decided by the {one.policy}: {one.mean:.3f}x the heuristic's over {one.timed + one.same} rows, "
            f"of which {one.same} have all decisions alike and are not timed"
            + (f"; least {least:.3f}x, {where}." if one.timed else ".")
        )
    found += [f"Falls short: {sentence}." for sentence in summary.short]
    reasons: dict[str, list[str]] = {}
    for row in results.rows:
        for subject in row.subjects:
            if subject.kind == "peer" and subject.timing is None:
                where = f"{row.graph}, {_threads(row.threads)}"
                reasons.setdefault(f"{subject.name} {subject.status}: {subject.detail}", []).append(where)
    found += [f"Peer {text}; {_where(places, len(results.rows))}" for text, places in reasons.items()]
    return found


def _where(places: Sequence[str], rows: int) -> str:
    return "everywhere." if len(places) == rows else "; ".join(places) + "."


def _threads(count: int) -> str:
    return f"{count} {'thread' if count == 1 else 'threads'}"


def _maybe(value: float | None, text: str) -> str:
    return "" if value is None else text.format(value)


def setting_lines(results: Results) -> list[str]:
    """Return the settings of every subject, a line each, as they first appear."""
    found: dict[str, str] = {}
    for row in results.rows:
        for subject in row.subjects:
            if subject.settings and subject.name not in found:
                found[subject.name] = f"{subject.name}: {subject.settings} ({subject.versions})"
    return list(found.values())


def limits_table(limits: Sequence[Limits]) -> Table:
    """Return the limits, a line for each number of threads."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("threads", "FMA, GFLOP/s", "L-Mul, GFLOP/s", "reading GB/s, by the size of the buffer"):
        table.add_column(heading, justify="right" if "read" not in heading or heading == "threads" else "left")
    for found in limits:
        rates = ", ".join(f"{size / MIB:.0f} MiB {rate:.1f}" for size, rate in found.read_gbs)
        table.add_row(str(found.threads), f"{found.fma_gflops:.1f}", f"{found.lmul_gflops:.1f}", rates)
    return table


def duration(seconds: float) -> str:
    """Return a time in a unit that fits, three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            value = seconds / scale
            return f"{value:.3g} {unit}" if value < 999.5 else f"{value:.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns"
