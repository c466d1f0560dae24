"""Run the calculators on rows of the data set and judge the results by its rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ArgumentError
from .answers import Result, Truth, results, truth
from .arithmetic import Arithmetic, Torch
from .calculator import Calculator
from .defects import Defect, explain
from .defects_seen import DEFECTS
from .reader import Patient, read
from .registry import CALCULATORS
from .rows import Row


@dataclass(frozen=True)
class Verdict:
    """What became of one row."""

    row: int
    calculator: int
    result: Result | None
    """`None` where the row cannot be read."""
    truth: Truth | None
    agrees: bool
    defects: tuple[Defect, ...] = ()
    """Of the label, where it disagrees with the published formula and these account for it."""
    error: str = ""
    """Why the row cannot be read."""

    @property
    def explained(self) -> bool:
        """Whether it agrees, or it is known why it does not."""
        return self.agrees or bool(self.defects)


@dataclass(frozen=True)
class Evaluation:
    """The verdicts on rows in one arithmetic."""

    arithmetic: str
    verdicts: tuple[Verdict, ...]

    @property
    def agreeing(self) -> int:
        """How many rows agree."""
        return sum(verdict.agrees for verdict in self.verdicts)

    def by_calculator(self) -> dict[int, list[Verdict]]:
        """Return the verdicts of each calculator, by its number."""
        found: dict[int, list[Verdict]] = defaultdict(list)
        for verdict in self.verdicts:
            found[verdict.calculator].append(verdict)
        return dict(sorted(found.items()))

    def as_json(self) -> dict[str, Any]:
        """Return counts, by calculator too, and every row that disagrees or cannot be read."""
        return {
            "arithmetic": self.arithmetic,
            "rows": len(self.verdicts),
            "agree": self.agreeing,
            "explained": sum(verdict.explained for verdict in self.verdicts),
            "calculators": [
                {
                    "calculator": number,
                    "name": CALCULATORS[number].name if number in CALCULATORS else "",
                    "rows": len(verdicts),
                    "agree": sum(verdict.agrees for verdict in verdicts),
                }
                for number, verdicts in self.by_calculator().items()
            ],
            "disagreements": [
                {
                    "row": verdict.row,
                    "calculator": verdict.calculator,
                    "result": verdict.result,
                    "label": None if verdict.truth is None else verdict.truth.answer,
                    "defects": [defect.name for defect in verdict.defects],
                    "categories": sorted({defect.category for defect in verdict.defects}),
                    "why": "; ".join(defect.text for defect in verdict.defects),
                    "error": verdict.error,
                }
                for verdict in self.verdicts
                if not verdict.agrees
            ],
        }


@dataclass(frozen=True)
class Prepared:
    """Rows that were read once, to be evaluated in several arithmetics."""

    calculators: tuple[Calculator, ...]
    patients: tuple[tuple[tuple[Patient, Truth], ...], ...]
    """Those of each calculator."""
    unread: tuple[Verdict, ...]


def prepare(rows: Iterable[Row]) -> Prepared:
    """Read rows and group them by calculator; rows that cannot be read become verdicts with the error."""
    found: dict[int, list[tuple[Patient, Truth]]] = defaultdict(list)
    unread = []
    for row in rows:
        try:
            found[row.calculator].append((read(row), truth(row)))
        except ArgumentError as error:
            unread.append(Verdict(row.number, row.calculator, None, None, False, error=str(error)))
    numbers = sorted(number for number, patients in found.items() if patients)
    return Prepared(
        tuple(CALCULATORS[number] for number in numbers),
        tuple(tuple(found[number]) for number in numbers),
        tuple(unread),
    )


def evaluate(
    rows: Iterable[Row] | Prepared, arithmetic: Arithmetic | None = None, known: Sequence[Defect] | None = None
) -> Evaluation:
    """Run every row's calculator and compare with its label; `arithmetic` is torch's by default.

    Labels that disagree are explained by the `known` defects (default: all that were seen) with the published formula
    in torch, whatever the arithmetic. A row that cannot be read counts as disagreeing; its verdict has the error, which
    names row and field.
    """
    prepared = rows if isinstance(rows, Prepared) else prepare(rows)
    arithmetic = Torch() if arithmetic is None else arithmetic
    known = DEFECTS if known is None else known
    inputs = [
        calculator.tensors([tuple(patient.values.values()) for patient, _ in patients])
        for calculator, patients in zip(prepared.calculators, prepared.patients, strict=True)
    ]
    outputs = arithmetic.run(prepared.calculators, inputs) if inputs else []
    verdicts = list(prepared.unread)
    for calculator, patients, output in zip(prepared.calculators, prepared.patients, outputs, strict=True):
        for (patient, label), result in zip(patients, results(output, calculator.answer), strict=True):
            agrees = label.admits(result)
            why = None if agrees else explain(calculator, patient.values, label, known)
            verdicts.append(Verdict(patient.row, calculator.number, result, label, agrees, why or ()))
    return Evaluation(arithmetic.name, tuple(sorted(verdicts, key=lambda verdict: verdict.row)))
