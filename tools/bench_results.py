"""The figures of a benchmark run: what is written as JSON, and what tables, plots and the report are made from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ArgumentError
from .bench_limits import Limits
from .timing import Timing

FORMAT = 1
Status = Literal["timed", "wrong", "failed", "skipped"]


@dataclass(frozen=True)
class SubjectResult:
    """What one subject made of one graph."""

    name: str
    kind: str
    """"reference", "slipstick" or "peer"."""
    status: Status
    detail: str = ""
    """Why it was not timed."""
    settings: str = ""
    versions: str = ""
    arithmetic: str = "fma"
    """Which limit holds for its operations: "fma" or "lmul"."""
    prepare_seconds: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    error: float | None = None
    """The largest difference from torch, as a share of the largest magnitude of a result."""
    cosine: float | None = None
    saved_bytes: int = 0
    timing: Timing | None = None
    calls: int = 1
    """Calls that each of the timings is the mean of."""
    reference_seconds: float | None = None
    """The median of torch eager in the same process, in turns with this subject."""
    limits: Limits | None = None
    """The machine's limits, medians of measurements in turns with this subject, reading a buffer of the row's size."""

    @property
    def speed(self) -> float | None:
        """How many times as fast as torch eager it is."""
        if self.timing is None or self.reference_seconds is None:
            return None
        return self.reference_seconds / self.timing.median


@dataclass(frozen=True)
class Row:
    """One graph on some threads."""

    graph: str
    family: str
    what: str
    threads: int
    flops: int | None
    bytes: int
    tolerance: float
    subjects: tuple[SubjectResult, ...] = ()
    failure: str = ""
    """Why nothing could be measured."""

    def subject(self, name: str) -> SubjectResult | None:
        """Return a subject's result, `None` if it took no part."""
        return next((subject for subject in self.subjects if subject.name == name), None)

    def fastest_peer(self) -> SubjectResult | None:
        """Return the fastest of the peers that were timed, torch eager not among them."""
        peers = [subject for subject in self.subjects if subject.kind == "peer" and subject.speed is not None]
        return max(peers, key=lambda peer: peer.speed or 0.0, default=None)

    def margin(self, name: str = "exact") -> float | None:
        """Return how many times as fast as the fastest peer, torch eager among them, a subject is."""
        subject, peer = self.subject(name), self.fastest_peer()
        if subject is None or subject.speed is None:
            return None
        return subject.speed / max(1.0, 0.0 if peer is None else peer.speed or 0.0)


@dataclass(frozen=True)
class Achieved:
    """What a timed subject reached, beside the machine's limits."""

    gflops: float | None
    """10^9 operations of the matrix products a second."""
    gbs: float
    """10^9 bytes that must be moved, a second."""
    fraction: float | None
    """The shortest time that the limits allow, as a share of the time it took; `None` if no limits were measured.

    The limits are those measured in turns with the subject, or else the run's."""


@dataclass(frozen=True)
class Results:
    """One run."""

    command: str
    environment: str
    rows: tuple[Row, ...] = ()
    limits: tuple[Limits, ...] = ()
    limits_text: str = ""
    rounds: int = 0
    memory: tuple[dict[str, Any], ...] = ()
    compilation: tuple[dict[str, Any], ...] = ()
    layers: dict[str, Any] = field(default_factory=dict)
    overhead: dict[str, Any] = field(default_factory=dict)

    def limit(self, threads: int) -> Limits | None:
        """Return the limits of that many threads, if they were measured."""
        return next((limits for limits in self.limits if limits.threads == threads), None)

    def achieved(self, row: Row, subject: SubjectResult) -> Achieved | None:
        """Return what a subject reached, `None` if it was not timed."""
        if subject.timing is None:
            return None
        seconds, size = subject.timing.median, row.bytes - subject.saved_bytes
        limits = subject.limits or self.limit(row.threads)
        fraction = None
        if limits is not None:
            fraction = limits.seconds(row.flops, size, lmul=subject.arithmetic == "lmul") / seconds
        return Achieved(None if row.flops is None else row.flops / seconds / 1e9, size / seconds / 1e9, fraction)

    def to_json(self) -> str:
        """Return everything as JSON, with the derived figures beside the measured ones."""
        data = {"format": FORMAT, **asdict(self)}
        for row, written in zip(self.rows, data["rows"], strict=True):
            written["margin"] = row.margin()
            for subject, entry in zip(row.subjects, written["subjects"], strict=True):
                achieved = self.achieved(row, subject)
                entry["speed"] = subject.speed
                entry["achieved"] = None if achieved is None else asdict(achieved)
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def from_json(cls, path: Path) -> Results:
        """Read what `to_json` wrote. Raises ArgumentError for a file that is something else."""
        try:
            data = json.loads(path.read_text("utf-8"))
            if data.pop("format") != FORMAT:
                raise ValueError(f"expected format {FORMAT}")
            data["rows"] = tuple(_row(row) for row in data["rows"])
            data["limits"] = tuple(Limits.from_dict(found) for found in data["limits"])
            data["memory"], data["compilation"] = tuple(data["memory"]), tuple(data["compilation"])
            return cls(**data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArgumentError(f"{path}: expected the figures that slipstick-bench --json wrote: {error}") from error


def _row(data: dict[str, Any]) -> Row:
    subjects = []
    for entry in data.pop("subjects"):
        del entry["speed"], entry["achieved"]
        timing, limits = entry.pop("timing"), entry.pop("limits", None)
        subjects.append(
            SubjectResult(
                **entry,
                timing=None if timing is None else Timing(**timing),
                limits=None if limits is None else Limits.from_dict(limits),
            )
        )
    del data["margin"]
    return Row(**data, subjects=tuple(subjects))


def geometric_mean(values: Iterable[float]) -> float | None:
    """Return the geometric mean of positive numbers, `None` of none."""
    logs: Sequence[float] = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else None
