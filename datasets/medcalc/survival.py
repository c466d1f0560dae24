"""Which calculators survive an approximate arithmetic.

Two measures. By the labels: of the rows that are right in exact arithmetic, how many still are. By the formula: of all
rows, how many results lie within the data set's limits around the exact result - 5 % for decimals, none for integers
and dates; so labels that contradict the formula do not count against an arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .arithmetic import Arithmetic
from .calculator import Answer, Calculator
from .evaluate import Evaluation, Prepared, Verdict, evaluate
from .registry import CALCULATORS
from .whole_numbers import WholeNumbers, whole_numbers

REASONS: Final[dict[Answer | Literal["computed integer"], str]] = {
    "decimal": "a decimal may be 5 % off, so that it survives where its multiplies err less than that",
    "computed integer": "points follow from comparisons with limits, so that it survives where no product crosses one",
    "integer": "points are chosen by comparisons and added, nothing is multiplied",
    "date": "days are added as integers, nothing is multiplied in floating point",
    "weeks and days": "days are subtracted and divided as integers, nothing is multiplied in floating point",
}
"""Why a calculator survives or not, by its kind of answer; `reason` says it for one calculator."""


@dataclass(frozen=True)
class Survival:
    """One calculator; tuples have one count for each arithmetic."""

    calculator: Calculator
    multiplies: int
    """Multiplies of floats in its graph, for one patient."""
    rows: int
    near: tuple[int, ...]
    """Of the rows, those within the limits around the exact result."""
    right: tuple[int, ...]
    """Of the rows that agree with their label in exact arithmetic, those that do in this one."""
    worst: tuple[float, ...]
    """The greatest difference from the exact result, as a share of it; 1 for one from 0, or of a date."""

    @property
    def reason(self) -> str:
        """Why it survives or may not."""
        if self.multiplies:
            reason = REASONS["decimal"] if self.calculator.answer == "decimal" else REASONS["computed integer"]
            return f"multiplies {self.multiplies} times; {reason}"
        if self.calculator.answer == "decimal":
            return "only adds, subtracts, divides, compares or takes roots: there is nothing to approximate"
        return REASONS[self.calculator.answer]


@dataclass(frozen=True)
class Comparison:
    """Several arithmetics on the same rows; the first is the exact one that the others are held against."""

    evaluations: tuple[Evaluation, ...]
    survivals: tuple[Survival, ...]
    whole: tuple[WholeNumbers, ...] = ()
    """Of the calculators with whole answers, why they survive."""

    @property
    def names(self) -> tuple[str, ...]:
        """The arithmetics."""
        return tuple(evaluation.arithmetic for evaluation in self.evaluations)

    def surviving(self, place: int) -> tuple[int, ...]:
        """Return the numbers of the calculators that keep all rows within the limits in the arithmetic at a place."""
        return tuple(one.calculator.number for one in self.survivals if one.near[place] == one.rows)

    def rows_near(self) -> tuple[int, ...]:
        """Return how many rows stay within the limits around the exact result."""
        return _sums([one.near for one in self.survivals], len(self.names))

    def rows_right(self) -> tuple[int, ...]:
        """Return how many of the rows that agree with their label still do."""
        return _sums([one.right for one in self.survivals], len(self.names))

    def calculators_surviving(self) -> tuple[int, ...]:
        """Return how many calculators keep all rows within the limits around the exact result."""
        kept = [tuple(int(count == one.rows) for count in one.near) for one in self.survivals]
        return _sums(kept, len(self.names))

    def as_json(self) -> dict[str, Any]:
        """Return all counts and reasons."""
        return {
            "arithmetics": list(self.names),
            "rows": sum(one.rows for one in self.survivals),
            "rows_near": list(self.rows_near()),
            "rows_right": list(self.rows_right()),
            "calculators": len(self.survivals),
            "calculators_surviving": list(self.calculators_surviving()),
            "by_calculator": [
                {
                    "calculator": one.calculator.number,
                    "name": one.calculator.name,
                    "answer": one.calculator.answer,
                    "multiplies": one.multiplies,
                    "rows": one.rows,
                    "near": list(one.near),
                    "right": list(one.right),
                    "worst": list(one.worst),
                    "reason": one.reason,
                }
                for one in self.survivals
            ],
            "whole_numbers": [one.as_json() for one in self.whole],
        }


def compare(prepared: Prepared, arithmetics: Sequence[Arithmetic]) -> Comparison:
    """Evaluate the rows in each arithmetic; only in the first, the exact one, are disagreements explained."""
    first, *others = arithmetics
    evaluations = (evaluate(prepared, first), *(evaluate(prepared, other, known=()) for other in others))
    groups = [evaluation.by_calculator() for evaluation in evaluations]
    survivals = []
    for calculator in prepared.calculators:
        exact, *rest = ([v for v in group[calculator.number] if v.result is not None] for group in groups)
        survivals.append(
            Survival(
                calculator,
                multiplies(calculator),
                len(exact),
                tuple(sum(map(_near, found, exact)) for found in (exact, *rest)),
                tuple(
                    sum(a.agrees and b.agrees for a, b in zip(found, exact, strict=True)) for found in (exact, *rest)
                ),
                tuple(max(map(_difference, found, exact), default=0.0) for found in (exact, *rest)),
            )
        )
    bits = [arithmetic.mantissa_bits for arithmetic in others]
    return Comparison(evaluations, tuple(survivals), whole_numbers(prepared, bits) if bits else ())


def _near(found: Verdict, exact: Verdict) -> bool:
    """Return whether a result lies within the data set's limits around the exact one."""
    kind = CALCULATORS[found.calculator].answer
    if kind == "decimal" and isinstance(found.result, float) and isinstance(exact.result, float):
        return abs(found.result - exact.result) <= 0.05 * abs(exact.result)
    return found.result == exact.result


def _difference(found: Verdict, exact: Verdict) -> float:
    """Return how far a result lies from the exact one, as a share of that."""
    if found.result == exact.result:
        return 0.0
    if isinstance(found.result, float) and isinstance(exact.result, float) and exact.result:
        return abs(found.result - exact.result) / abs(exact.result)
    return 1.0


def _sums(counts: Sequence[tuple[int, ...]], length: int) -> tuple[int, ...]:
    return tuple(sum(found[place] for found in counts) for place in range(length))


def multiplies(calculator: Calculator) -> int:
    """Return how often a calculator multiplies floats for one patient; sums of columns count each column."""
    counting = _Counting()
    with torch.no_grad(), counting:
        calculator.module()(*calculator.example(1))
    return int(counting.count)


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten.mul.Tensor, torch.ops.aten.mul.Scalar):
            assert isinstance(result, Tensor)
            self.count += result.numel() if result.is_floating_point() else 0
        return result
