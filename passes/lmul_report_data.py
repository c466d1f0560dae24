"""The arithmetic of a module as data: operation by operation, by scope and in all, with what it is estimated to cost.

`before` is the arithmetic as it stands, `after` that with L-Mul wherever the IR carries its mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, get_args

from ..kernels.energy import TYPES, estimate, multiply_gates
from ..kernels.lmul import LMul, ScopeClass

ESTIMATE: Final = (
    "energies and gates are estimates for adder hardware, by published figures for 45 nm, never a measurement: "
    "a CPU shows none of this"
)
"""What must be said wherever the figures are shown."""

Shape = tuple[int | None, ...]
"""Sizes; None for one that cannot be told."""


@dataclass(frozen=True)
class Arithmetic:
    """Numbers of operations on single values; each stands in one field alone."""

    multiplies: int = 0
    """Of floats."""
    adds: int = 0
    """Of floats, subtractions included."""
    fused: int = 0
    """Multiply-adds of floats as one operation."""
    integer_adds: int = 0
    """L-Mul's, each in the place of one multiply; other integer arithmetic does not count."""

    @property
    def all_multiplies(self) -> int:
        """Products of floats, those of fused multiply-adds included, those of L-Mul not."""
        return self.multiplies + self.fused

    @property
    def all_adds(self) -> int:
        """Sums of floats, those of fused multiply-adds included."""
        return self.adds + self.fused

    def with_lmul(self) -> Arithmetic:
        """Return the arithmetic once multiplies are integer additions; the sums of fused ones stay."""
        return Arithmetic(adds=self.all_adds, integer_adds=self.integer_adds + self.all_multiplies)

    def times(self, count: int) -> Arithmetic:
        """Return the arithmetic of `count` executions."""
        return Arithmetic(self.multiplies * count, self.adds * count, self.fused * count, self.integer_adds * count)

    def __add__(self, other: Arithmetic) -> Arithmetic:
        return Arithmetic(
            self.multiplies + other.multiplies,
            self.adds + other.adds,
            self.fused + other.fused,
            self.integer_adds + other.integer_adds,
        )


@dataclass(frozen=True)
class Change:
    """Arithmetic without and with L-Mul."""

    before: Arithmetic = Arithmetic()
    after: Arithmetic = Arithmetic()

    def times(self, count: int) -> Change:
        """Return the arithmetic of `count` executions."""
        return Change(self.before.times(count), self.after.times(count))

    def __add__(self, other: Change) -> Change:
        return Change(self.before + other.before, self.after + other.after)


@dataclass(frozen=True)
class Cost:
    """What arithmetic is estimated to cost on adder hardware; `kernels/energy.py` has the figures and their sources."""

    multiplies_pj: float = 0.0
    """Picojoules of multiplies and of the integer additions in their place."""
    adds_pj: float = 0.0
    """Picojoules of float additions."""
    gates: float = 0.0
    """Gates of the multiplier or L-Mul unit, summed over executed multiplies; additions not included."""

    @property
    def total_pj(self) -> float:
        """Picojoules of both."""
        return self.multiplies_pj + self.adds_pj

    @classmethod
    def of(cls, arithmetic: Arithmetic, type_: str) -> Cost:
        """Return the cost of arithmetic of a type that there are figures of."""
        exact, lmul = arithmetic.all_multiplies, arithmetic.integer_adds
        return cls(
            estimate(exact, 0, type_, lmul=False) + estimate(lmul, 0, type_, lmul=True),
            estimate(0, arithmetic.all_adds, type_, lmul=False),
            exact * multiply_gates(type_, lmul=False) + lmul * multiply_gates(type_, lmul=True),
        )

    def as_dict(self) -> dict[str, float]:
        """Return all figures, for JSON."""
        return {**asdict(self), "total_pj": self.total_pj}

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.multiplies_pj + other.multiplies_pj, self.adds_pj + other.adds_pj, self.gates + other.gates)


@dataclass(frozen=True)
class OperationReport:
    """The float arithmetic of one type in one operation: a linalg operation with its body, or any other."""

    name: str
    location: str
    """`file:line:column`, or the location as MLIR prints it."""
    scope: ScopeClass
    """Of its multiplies; "elementwise" where there are only sums."""
    layer: str | None
    """What the attribute `slipstick.layer` says: the torch submodule that it comes from."""
    type: str
    """The float type, by MLIR's name."""
    marks: tuple[LMul, ...]
    """How its multiplies become integer additions; empty: they stay. (More than one: a body marked by hand.)"""
    shape: Shape | None
    """The iteration space of a linalg operation or a vector contraction, the shape of another; () for scalars."""
    trips: int | None
    """How often one call executes it."""
    in_code: Change
    """At each point of its shape."""
    executed: Change | None
    """In one call; None where that cannot be told."""

    @property
    def costs(self) -> tuple[Cost, Cost] | None:
        """The estimates before and after; None where executions cannot be told or the type has no figures."""
        if self.executed is None or self.type not in TYPES:
            return None
        return Cost.of(self.executed.before, self.type), Cost.of(self.executed.after, self.type)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, for JSON; `executed` is null where it cannot be told, `estimate` too."""
        fields = {name: getattr(self, name) for name in ("name", "location", "scope", "layer", "type")}
        marks = [{name: value for name, value in asdict(mark).items() if name != "scope"} for mark in self.marks]
        shape = None if self.shape is None else list(self.shape)
        return {
            **fields,
            "lmul": marks,
            "shape": shape,
            "trips": self.trips,
            "in_code": asdict(self.in_code),
            "executed": None if self.executed is None else asdict(self.executed),
            "estimate": None if self.costs is None else _costs_as_dict(*self.costs),
        }


@dataclass(frozen=True)
class Totals:
    """Sums over operations."""

    operations: int
    in_code: Change
    executed: Change
    """In one call, as far as it can be told."""
    cost_before: Cost
    cost_after: Cost
    untold: int
    """Operations whose executions cannot be told; `executed` and the costs leave them out."""
    unpriced: int
    """Other operations, of types without figures, which the costs leave out."""

    @classmethod
    def of(cls, operations: Iterable[OperationReport]) -> Totals:
        """Return the sums over `operations`."""
        chosen = list(operations)
        executed = [o.executed for o in chosen if o.executed is not None]
        costs = [o.costs for o in chosen if o.costs is not None]
        return cls(
            operations=len(chosen),
            in_code=sum((o.in_code for o in chosen), Change()),
            executed=sum(executed, Change()),
            cost_before=sum((before for before, _ in costs), Cost()),
            cost_after=sum((after for _, after in costs), Cost()),
            untold=len(chosen) - len(executed),
            unpriced=len(executed) - len(costs),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all sums, for JSON."""
        return {
            "operations": self.operations,
            "in_code": asdict(self.in_code),
            "executed": asdict(self.executed),
            "estimate": _costs_as_dict(self.cost_before, self.cost_after),
            "untold": self.untold,
            "unpriced": self.unpriced,
        }


@dataclass(frozen=True)
class LMulReport:
    """The float arithmetic of a module, before and after L-Mul."""

    operations: tuple[OperationReport, ...]
    """In the order of the IR."""
    notes: tuple[str, ...]
    """What a reader of the figures must know, one sentence each."""

    def totals(self, *scopes: ScopeClass) -> Totals:
        """Return the sums over the operations of `scopes`; without any, over all."""
        return Totals.of(o for o in self.operations if not scopes or o.scope in scopes)

    def as_dict(self, *, per_op: bool = True) -> dict[str, Any]:
        """Return the totals, those of each scope, the notes and, with `per_op`, every operation, for JSON."""
        return {
            "notes": list(self.notes),
            "all": self.totals().as_dict(),
            "scopes": {scope: self.totals(scope).as_dict() for scope in get_args(ScopeClass)},
            **({"operations": [operation.as_dict() for operation in self.operations]} if per_op else {}),
        }


def _costs_as_dict(before: Cost, after: Cost) -> dict[str, Any]:
    return {"before": before.as_dict(), "after": after.as_dict()}
