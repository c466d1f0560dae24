"""Which calculators survive an approximate arithmetic: rows that stay as right as they are in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .arithmetic import Arithmetic
from .calculator import Answer, Calculator
from .evaluate import Evaluation, Prepared, evaluate
from .registry import CALCULATORS

REASONS: Final[dict[Answer, str]] = {
    "decimal": "its limits are 5 % around the answer, so that it survives where its multiplies err less than that",
    "integer": "points are chosen by comparisons and added, and nothing in it is multiplied",
    "date": "days are added as integers, and nothing in it is multiplied in floating point",
    "weeks and days": "days are subtracted and divided as integers, and nothing in it is multiplied in floating point",
}
"""Why a calculator survives or not, by its kind of answer; `reason` says it for one calculator."""


@dataclass(frozen=True)
class Survival:
    """One calculator: how many of the rows that agree in exact arithmetic still do."""

    calculator: Calculator
    multiplies: int
    """Multiplies of floats in its graph, for one patient."""
    rows: int
    """That agree in exact arithmetic."""
    kept: tuple[int, ...]
    """Of these, by arithmetic."""

    @property
    def reason(self) -> str:
        """Why it survives or may not."""
        if self.multiplies:
            return f"multiplies {self.multiplies} times; {REASONS['decimal']}"
        if self.calculator.answer == "decimal":
            return "only adds, subtracts, divides, compares or takes roots: there is nothing to approximate"
        return REASONS[self.calculator.answer]


@dataclass(frozen=True)
class Comparison:
    """Several arithmetics on the same rows; the first is the exact one that the others are held against."""

    evaluations: tuple[Evaluation, ...]
    survivals: tuple[Survival, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The arithmetics."""
        return tuple(evaluation.arithmetic for evaluation in self.evaluations)

    @property
    def rows(self) -> int:
        """How many rows agree in exact arithmetic."""
        return sum(one.rows for one in self.survivals)

    def rows_kept(self) -> tuple[int, ...]:
        """Return how many of these stay right, by arithmetic."""
        return tuple(sum(one.kept[place] for one in self.survivals) for place in range(len(self.evaluations)))

    def calculators_kept(self) -> tuple[int, ...]:
        """Return how many calculators with such rows keep all of them, by arithmetic."""
        judged = [one for one in self.survivals if one.rows]
        return tuple(sum(one.kept[place] == one.rows for one in judged) for place in range(len(self.evaluations)))

    def as_json(self) -> dict[str, Any]:
        """Return all counts and reasons."""
        return {
            "arithmetics": list(self.names),
            "rows": self.rows,
            "rows_kept": list(self.rows_kept()),
            "calculators": sum(one.rows > 0 for one in self.survivals),
            "calculators_kept": list(self.calculators_kept()),
            "by_calculator": [
                {
                    "calculator": one.calculator.number,
                    "name": one.calculator.name,
                    "answer": one.calculator.answer,
                    "multiplies": one.multiplies,
                    "rows": one.rows,
                    "kept": list(one.kept),
                    "reason": one.reason,
                }
                for one in self.survivals
            ],
        }


def compare(prepared: Prepared, arithmetics: Sequence[Arithmetic]) -> Comparison:
    """Evaluate the rows in each arithmetic; only in the first, the exact one, are disagreements explained."""
    first, *others = arithmetics
    evaluations = (evaluate(prepared, first), *(evaluate(prepared, other, known=()) for other in others))
    agreeing = [{verdict.row for verdict in evaluation.verdicts if verdict.agrees} for evaluation in evaluations]
    survivals = []
    for number, verdicts in evaluations[0].by_calculator().items():
        if number not in CALCULATORS:
            continue
        right = {verdict.row for verdict in verdicts if verdict.agrees}
        kept = tuple(len(right & found) for found in agreeing)
        survivals.append(Survival(CALCULATORS[number], multiplies(CALCULATORS[number]), len(right), kept))
    return Comparison(evaluations, tuple(survivals))


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
