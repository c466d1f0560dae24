"""Calculators on very many patients, timed beside torch eager and torch.compile.

Slipstick and torch.compile are called in turns, so that both find the caches as the other leaves them; torch eager
apart, for its temporaries would push the columns out of the caches of the two. Figures are medians. What a call reads
and writes is the columns of arguments and the result, once each: the rate of that stands beside the rate at which the
machine reads a buffer of that size, and the time that this takes, the bound, beside the share of the call that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from rich import box
from rich.table import Table

from ..compiler.api import compile as compile_graph
from ..datasets.medcalc.patients import patients
from ..datasets.medcalc.registry import CALCULATORS
from ..errors import SlipstickError
from .bench_limits import measure_limits
from .output import quiet
from .timing import time_interleaved

CALCULATORS_TIMED: Final = (2, 3, 28)
"""Cockcroft-Gault, CKD-EPI, APACHE II."""
_TOLERANCE: Final = 1e-5
"""How far results of the subjects may lie apart, as a part of the result."""


@dataclass(frozen=True)
class Row:
    """One calculator on some threads. Times are in seconds; None where a subject cannot run."""

    calculator: int
    name: str
    patients: int
    threads: int
    bytes: int
    """What a call reads and writes at least."""
    slipstick: float
    torch: float
    inductor: float | None
    missing: str
    """Why there is no inductor."""
    readable_gbs: float
    """The rate, 10^9 bytes a second, of reading a buffer of `bytes` bytes again and again."""

    @property
    def fastest_peer(self) -> float:
        """The shorter of the peers' times, seconds."""
        return min(self.torch, self.inductor or self.torch)

    @property
    def gbs(self) -> float:
        """The rate that slipstick reads and writes at, 10^9 bytes a second."""
        return self.bytes / self.slipstick / 1e9

    @property
    def bound(self) -> float:
        """The shortest time that memory allows, seconds: `bytes` at the rate of reading."""
        return self.bytes / (self.readable_gbs * 1e9)

    def as_json(self) -> dict[str, Any]:
        """Return the row for JSON."""
        return {
            **asdict(self),
            "over_fastest_peer": self.fastest_peer / self.slipstick,
            "gbs": self.gbs,
            "bound": self.bound,
            "of_bound": self.bound / self.slipstick,
        }


def measure(number: int, count: int, threads: int, repeats: int) -> Row:
    """Time calculator `number` on `count` patients and some threads.

    Sets torch's number of threads. Raises SlipstickError where results differ from torch's.
    """
    torch.set_num_threads(threads)
    calculator = CALCULATORS[number]
    module, arguments = calculator.module().eval(), patients(calculator, count)
    with torch.no_grad():
        expected = module(*arguments)
        own = compile_graph(module, arguments, threads=threads)
        subjects: dict[str, Callable[[int], object]] = {"slipstick": lambda _: own(*arguments)}
        _check("slipstick", own(*arguments), expected)
        missing = ""
        try:
            inductor = torch.compile(module, dynamic=False, fullgraph=True, options={"max_autotune": True})
            with quiet():
                found = inductor(*arguments)
        except Exception as problem:  # whatever a compiler that may have no toolchain here raises
            missing = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
        else:
            _check("inductor", found, expected)
            subjects["inductor"] = lambda _: inductor(*arguments)
        times = time_interleaved(subjects, repeats)
        times |= time_interleaved({"torch": lambda _: module(*arguments)}, max(1, repeats // 4))
    size = sum(column.nbytes for column in arguments) + expected.nbytes
    limits = measure_limits(threads, iterations=1, sizes=(size,), rounds=3)
    return Row(
        number,
        calculator.name,
        count,
        threads,
        size,
        times["slipstick"].median,
        times["torch"].median,
        times["inductor"].median if "inductor" in times else None,
        missing,
        limits.bandwidth(size),
    )


def _check(name: str, found: torch.Tensor, expected: torch.Tensor) -> None:
    if not torch.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE):
        worst = float((found - expected).abs().max())
        raise SlipstickError(f"{name}: results differ from torch's, by {worst:.3g} at most")


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table."""
    result = Table(title="Calculators on many patients", box=box.SIMPLE_HEAD, title_justify="left")
    result.add_column("calculator")
    for column in (
        "patients",
        "threads",
        "slipstick",
        "torch",
        "inductor",
        "over the faster",
        "GB/s",
        "readable",
        "bound",
    ):
        result.add_column(column, justify="right")
    for row in rows:
        times = (row.slipstick, row.torch, row.inductor)
        result.add_row(
            row.name,
            f"{row.patients:,}",
            str(row.threads),
            *("-" if seconds is None else f"{seconds * 1e3:.2f} ms" for seconds in times),
            f"{row.fastest_peer / row.slipstick:.2f}x",
            f"{row.gbs:.1f}",
            f"{row.readable_gbs:.1f}",
            f"{row.bound * 1e3:.2f} ms, {100 * row.bound / row.slipstick:.0f} %",
        )
    return result


def notes(rows: Iterable[Row]) -> list[str]:
    """Return what is to be said of the rows: what memory allows, and where inductor is missing."""
    lines = []
    for row in rows:
        name = f"{row.name}, {row.threads} thread{'s' * (row.threads > 1)}"
        lines.append(
            f"{name}: {row.bytes / 1e6:.0f} MB at {row.readable_gbs:.1f} GB/s take {row.bound * 1e3:.2f} ms, so that "
            f"memory allows at most {row.fastest_peer / row.bound:.2f}x the faster peer; reached: "
            f"{row.fastest_peer / row.slipstick:.2f}x."
        )
        if row.missing:
            lines.append(f"{row.name}: no inductor: {row.missing}")
    return lines
