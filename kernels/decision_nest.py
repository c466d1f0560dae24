"""Decisions as data: how the loops along rows of a nest, over rows or element by element, become vector code.

    slipstick.decision = {kind = "nest", interleave = 4, pair = true, straight = 16, vector_bits = 512}

A policy writes it on a loop over rows or an element-wise operation, `vectorise-rows` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ..bindings import ir
from .decision import DECISION_ATTRIBUTE

NEST: Final = "nest"
"""The kind of these decisions."""
MAX_STRAIGHT = 256
"""Registers of a row that may stand in a line: each is an operation."""
MAX_INTERLEAVE = 64


@dataclass(frozen=True)
class NestSchedule:
    """How rows are taken in vectors. Raises ValueError for sizes that cannot be."""

    vector_bits: int
    """The width of a register: 32-bit elements fill it; where all elements are wider, these do."""
    interleave: int
    """Registers of a wide vector, whose instructions alternate: a power of two."""
    straight: int = 16
    """Registers of a row up to which there is no loop."""
    pair: bool = True
    """Whether two rows are worked on at a time, where a loop is over rows and their number is even."""

    def __post_init__(self) -> None:
        if not 32 <= self.vector_bits <= 4096 or self.vector_bits & (self.vector_bits - 1):
            raise ValueError(f"expected a power of two from 32 to 4096 for vector_bits, found {self.vector_bits}")
        if not 1 <= self.interleave <= MAX_INTERLEAVE or self.interleave & (self.interleave - 1):
            raise ValueError(
                f"expected a power of two from 1 to {MAX_INTERLEAVE} for interleave, found {self.interleave}"
            )
        if not 0 <= self.straight <= MAX_STRAIGHT:
            raise ValueError(f"expected 0 to {MAX_STRAIGHT} for straight, found {self.straight}")
        if not isinstance(self.pair, bool):
            raise ValueError(f"expected true or false for pair, found {self.pair}")


def write_nest_decision(op: ir.Operation, schedule: NestSchedule) -> None:
    """Attach `schedule` to `op`."""
    with op.context:
        i64 = ir.IntegerType.get_signless(64)
        fields: dict[str, ir.Attribute] = {"kind": ir.StringAttr.get(NEST), "pair": ir.BoolAttr.get(schedule.pair)}
        for name in ("vector_bits", "interleave", "straight"):
            fields[name] = ir.IntegerAttr.get(i64, getattr(schedule, name))
        op.attributes[DECISION_ATTRIBUTE] = ir.DictAttr.get(fields)


def read_nest_decision(op: ir.Operation) -> NestSchedule:
    """Return the decision on `op`, which has one; raise ValueError with the reason where it is none for a nest."""
    decision: Any = op.attributes[DECISION_ATTRIBUTE]
    try:
        kind = decision["kind"].value
        fields = {name: decision[name].value for name in ("vector_bits", "interleave", "straight", "pair")}
        if not all(isinstance(value, int) for value in fields.values()):
            raise TypeError("a size that is no integer")
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(
            f"{DECISION_ATTRIBUTE}: expected a dictionary of kind, vector_bits, interleave, straight and pair, "
            f"found {decision}"
        ) from problem
    if kind != NEST:
        raise ValueError(f'{DECISION_ATTRIBUTE}: expected kind "{NEST}", found "{kind}"')
    try:
        return NestSchedule(**fields)
    except ValueError as problem:
        raise ValueError(f"{DECISION_ATTRIBUTE}: {problem}") from problem
