"""What is predicted: names, units, and the scale on which each is learned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Label:
    """One predicted quantity."""

    name: str
    unit: str
    what: str
    is_logarithmic: bool = False
    """Whether it is learned as log(1 + x): what spans orders of magnitude and is judged by ratios."""
    is_count: bool = True
    """Whether a prediction is rounded to an integer."""
    most: float | None = None
    is_measured: bool = False
    """Whether it is of a machine that ran the kernel: CPUs unlike that machine's have none."""

    def to_scale(self, values: Floats) -> Floats:
        """Return values on the scale of learning."""
        return np.log1p(values) if self.is_logarithmic else values

    def from_scale(self, values: Floats) -> Floats:
        """Return predictions in units, inside the range that they can have."""
        found = np.expm1(np.minimum(values, 60.0)) if self.is_logarithmic else values
        return np.clip(found, 0.0, self.most)


LABELS: tuple[Label, ...] = (
    Label("vector_registers", "registers", "vector registers that the code names"),
    Label("spills", "instructions", "instructions that put a vector register on the stack", True),
    Label("reloads", "instructions", "instructions that take a vector register from the stack", True),
    Label("stack_bytes", "bytes", "by which the stack pointer moves", True),
    Label("instructions", "instructions", "in the code, a loop's body once", True),
    Label("code_bytes", "bytes", "of code", True),
    Label("cycles", "cycles", "of one turn of the hottest innermost loop (llvm-mca)", True, False),
    Label("ipc", "instructions/cycle", "in that loop (llvm-mca)", False, False),
    Label(
        "utilisation",
        "share of cycles",
        "in which that loop's busiest execution port is busy (llvm-mca)",
        False,
        False,
        1.0,
    ),
    Label("time_ns", "ns", "of a call on one core, measured", True, False, is_measured=True),
)
"""Compiled, simulated and measured quantities, in the order in which they are shown."""
MARGINS = ("vector_registers", "instructions", "code_bytes", "cycles")
"""Those that trees learn as corrections of what `costmodel.analytical` computes."""
ABSOLUTE = ("vector_registers", "spills", "reloads", "instructions", "code_bytes", "cycles")
"""Those whose trees learn by absolute errors: a few kernels that are far off would otherwise move all the others."""


def label(name: str) -> Label:
    """Return the label of that name. Raises KeyError."""
    return next(label for label in LABELS if label.name == name)


_IS_LOGARITHMIC = np.asarray([label.is_logarithmic for label in LABELS])
_MOST = np.asarray([np.inf if label.most is None else label.most for label in LABELS])


def to_scale(values: Floats) -> Floats:
    """Return values of all labels, f64 [rows, labels], on the scale of learning."""
    return np.where(_IS_LOGARITHMIC, np.log1p(np.where(_IS_LOGARITHMIC, values, 0.0)), values)


def from_scale(values: Floats) -> Floats:
    """Return predictions of all labels, f64 [..., labels], in units, inside the ranges that they can have."""
    found = np.where(_IS_LOGARITHMIC, np.expm1(np.minimum(values, 60.0)), values)
    return np.asarray(np.minimum(np.maximum(found, 0.0), _MOST))
