"""What the benchmark asks a worker process to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """What the parent asks for."""

    graph: str
    threads: int
    subjects: tuple[str, ...]
    """Names; torch eager always takes part."""
    lmul: bool
    weights: tuple[str, ...]
    rounds: int
    budget: float
    """Seconds of timing after which no further round begins."""
    limit: float
    """Seconds that preparing one subject, or one turn of it, may take."""
    limits: bool = True
    """Whether the machine's limits are measured in turns with the subjects."""
    target: str = "host"
    """The CPU whose instructions slipstick's subjects and the limits use: one that this machine can run."""
    schedules: tuple[str, ...] = ()
    """Policies, beside the heuristic, that decide about kernels of exact arithmetic: each a subject."""
