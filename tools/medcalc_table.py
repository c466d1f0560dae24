"""The tables of `slipstick-medcalc`: the calculators, agreement with labels; `medcalc_survival` has the others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from ..datasets.medcalc.answers import Result
from ..datasets.medcalc.calculator import Answer, Calculator
from ..datasets.medcalc.evaluate import Evaluation
from ..datasets.medcalc.registry import CALCULATORS
from ..datasets.medcalc.survival import Comparison
from .medcalc_sheet import Sheet, sheet
from .medcalc_survival import losses, whole_reasons


def calculators(found: Iterable[Calculator]) -> Sheet:
    """Return the list of calculators."""
    table = sheet("Calculators", "id", "name", "answer", "formula", "source")
    for one in found:
        answer = f"{one.answer}, {one.unit}" if one.unit else one.answer
        table.add(str(one.number), one.name, answer, one.formula, one.source)
    return table


def described(one: Calculator) -> dict[str, Any]:
    """Return a calculator for JSON."""
    return {
        "calculator": one.number,
        "name": one.name,
        "area": one.area,
        "answer": one.answer,
        "unit": one.unit,
        "formula": one.formula,
        "source": one.source,
        "inputs": [
            {
                "argument": field.argument,
                "entities": list(field.entities),
                "takes": field.what,
                "dtype": "int64" if field.integer else "float32",
                "default": field.default,
            }
            for field in one.fields
        ],
    }


def agreement(evaluation: Evaluation) -> Sheet:
    """Return how many rows of each calculator agree with their label, and why the others do not."""
    table = sheet(f"Agreement with the labels, {evaluation.arithmetic}", "id", "calculator", "rows", "agree", "why not")
    for number, verdicts in evaluation.by_calculator().items():
        agreeing = sum(verdict.agrees for verdict in verdicts)
        why = sorted({defect.text for verdict in verdicts for defect in verdict.defects})
        name = CALCULATORS[number].name if number in CALCULATORS else "unknown"
        table.add(str(number), name, str(len(verdicts)), str(agreeing), "; ".join(why))
    return table


def disagreements(evaluation: Evaluation) -> Sheet:
    """Return every row that was read and disagrees, with its cause."""
    table = sheet("Rows that disagree", "row", "id", "formula", "label", "category", "cause")
    for verdict in evaluation.verdicts:
        if verdict.agrees or verdict.error:
            continue
        kind = CALCULATORS[verdict.calculator].answer if verdict.calculator in CALCULATORS else "decimal"
        categories = ", ".join(sorted({defect.category for defect in verdict.defects}))
        cause = ", ".join(defect.name for defect in verdict.defects) or "not explained"
        label = "" if verdict.truth is None else _shown(verdict.truth.answer, kind)
        table.add(str(verdict.row), str(verdict.calculator), _shown(verdict.result, kind), label, categories, cause)
    return table


def unreadable(evaluation: Evaluation) -> Sheet | None:
    """Return every row that cannot be read, with the field and what is wrong with it; `None` where all were read."""
    bad = [verdict for verdict in evaluation.verdicts if verdict.error]
    if not bad:
        return None
    table = sheet("Rows that cannot be read", "row", "id", "error")
    for verdict in bad:
        table.add(str(verdict.row), str(verdict.calculator), verdict.error.removeprefix(f"row {verdict.row}: "))
    return table


def summary(comparison: Comparison) -> str:
    """Return the counts in words, and the reasons why calculators survive."""
    exact = comparison.evaluations[0]
    rows, agreeing = len(exact.verdicts), exact.agreeing
    explained = sum(verdict.explained for verdict in exact.verdicts)
    unread = sum(bool(verdict.error) for verdict in exact.verdicts)
    share = 100 * agreeing / rows if rows else 0.0
    lines = [
        f"{agreeing} of {rows} rows agree ({share:.1f} %); {explained - agreeing} labels contradict the published "
        f"formula in a known way; {rows - explained - unread} rows are not explained"
        + (f"; {unread} cannot be read." if unread else ".")
    ]
    if len(comparison.evaluations) > 1:
        kept = [one for one in comparison.survivals if not one.multiplies]
        for reason in dict.fromkeys(one.reason for one in kept):
            numbers = ", ".join(str(one.calculator.number) for one in kept if one.reason == reason)
            lines.append(f"Survive every arithmetic: {numbers}; {reason}.")
        lines += [*whole_reasons(comparison), *losses(comparison)]
    return "\n".join(lines)


def _shown(result: Result | None, kind: Answer) -> str:
    if result is None:
        return ""
    if isinstance(result, tuple):
        return f"{result[0]} weeks {result[1]} days"
    if kind == "date":
        day = int(result)
        return date.fromordinal(day).isoformat() if 1 <= day <= date.max.toordinal() else f"day {day}"
    return f"{result:.6g}"
