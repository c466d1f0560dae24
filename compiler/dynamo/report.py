"""What became of a graph: which operations are compiled, which torch runs, and why."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...errors import GraphError

GraphKind = Literal["inference", "forward", "backward"]


class FallbackWarning(UserWarning):
    """Torch runs operations that slipstick cannot compile."""


@dataclass(frozen=True)
class Fallback:
    """An operation that torch runs, and why."""

    operation: str
    """Its name, e.g. `aten._fft_r2c.default`."""
    source: str
    """Where it comes from, ` (file:line: text)`; "" where that is not known."""
    reason: str

    def __str__(self) -> str:
        return f"{self.operation}{self.source}: {self.reason}"


@dataclass(frozen=True)
class PartReport:
    """Operations that run one behind the other: in native code, or by torch."""

    native: bool
    operations: tuple[str, ...]
    """Their names, one for each."""


@dataclass(frozen=True)
class GraphReport:
    """One graph of dynamo, or its backward graph."""

    kind: GraphKind
    parts: tuple[PartReport, ...]
    """In the order in which they run."""
    fallbacks: tuple[Fallback, ...]
    """One for each operation that torch runs because it cannot be compiled."""
    random: tuple[Fallback, ...] = ()
    """Random operations: they are torch's, whose generator they use."""

    @property
    def compiled(self) -> int:
        """The number of operations in native code."""
        return sum(len(part.operations) for part in self.parts if part.native)

    @property
    def operations(self) -> int:
        """The number of operations, views that torch makes of results included."""
        return sum(len(part.operations) for part in self.parts)

    @property
    def native_parts(self) -> int:
        """The number of parts in native code."""
        return sum(part.native for part in self.parts)

    def __str__(self) -> str:
        left = f", {len(self.fallbacks)} left to torch" if self.fallbacks else ""
        random = f", {len(self.random)} random" if self.random else ""
        plural = "" if self.native_parts == 1 else "s"
        return (
            f"{self.kind} graph: {self.compiled} of {self.operations} operations in {self.native_parts} native "
            f"part{plural}{left}{random}"
        )


def tell(fallbacks: Sequence[Fallback], *, allowed: bool) -> None:
    """Warn of what torch runs, each operation of a line of source once; raise `GraphError` unless that is allowed."""
    lines = list(dict.fromkeys(f"{one.operation}{one.source}: {one.reason}" for one in fallbacks))
    if not lines:
        return
    if not allowed:
        raise GraphError("\n".join(lines))
    for line in lines:
        # Python shows a warning of one text and place once.
        warnings.warn(f"torch runs {line}", FallbackWarning, stacklevel=2)
