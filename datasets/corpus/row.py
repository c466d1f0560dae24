"""The rows of a corpus: one text for one CPU with its labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any, Literal

from .assembly import CompiledLabels
from .simulate import SimulatedLabels

Level = Literal["linalg", "graph", "loops"]
SIMULATED = tuple(field.name for field in fields(SimulatedLabels))
_TENSOR = re.compile(r"(?:tensor|memref)<((?:\d+x)+)")


@dataclass(frozen=True)
class Row:
    """One text for one CPU with its labels; the columns of the corpus."""

    program: str
    family: str
    seed: int
    kind: str
    """Of the kernel, as `slipstick.compiler.standalone` tells them; `program` at the level `linalg`."""
    level: Level
    """`linalg`: a whole program before anything is fused. `graph`: a kernel on tensors, fused, with its decision.
    `loops`: one function of loops that it became."""
    function: str
    variant: int
    """0: the schedule that the heuristic chose."""
    lmul: str
    weights: str
    fusion: str
    shape_class: int
    """The binary logarithm, rounded down, of the elements of the largest tensor in the text."""
    target: str
    text: str
    canonical: str
    shape_erased: str
    operations: tuple[str, ...]
    code_bytes: int
    compiled: CompiledLabels
    simulated: SimulatedLabels | None

    def flat(self) -> dict[str, Any]:
        """Return the columns; a label that is missing is None."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        del row["compiled"], row["simulated"]
        simulated = asdict(self.simulated) if self.simulated else dict.fromkeys(SIMULATED)
        return {**row, "operations": list(self.operations), **asdict(self.compiled), **simulated}


@dataclass(frozen=True)
class Failure:
    """What could not be labelled, and why."""

    program: str
    target: str
    reason: str


def together(labels: Sequence[CompiledLabels]) -> CompiledLabels:
    """Return the labels of several functions as one: the most registers, everything else summed up."""
    sums = {field.name: sum(getattr(part, field.name) for part in labels) for field in fields(CompiledLabels)}
    for name in ("vector_registers", "scalar_registers"):
        sums[name] = max(getattr(part, name) for part in labels)
    return CompiledLabels(**sums)


def slowest(labels: Sequence[SimulatedLabels | None]) -> SimulatedLabels | None:
    """Return those of the function whose loop takes most cycles, None where no function has a loop."""
    return max((part for part in labels if part is not None), key=lambda part: part.cycles, default=None)


def shape_class(text: str) -> int:
    """Return the binary logarithm, rounded down, of the elements of the largest tensor that a text names."""
    shapes = {found[1] for found in _TENSOR.finditer(text)}
    sizes = (prod(int(size) for size in shape[:-1].split("x")) for shape in shapes)
    return max(1, *sizes, 1).bit_length() - 1
