"""The tables of `slipstick-medcalc`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from rich import box
from rich.table import Table

from ..datasets.medcalc.answers import Result
from ..datasets.medcalc.calculator import Answer, Calculator
from ..datasets.medcalc.evaluate import Evaluation
from ..datasets.medcalc.registry import CALCULATORS
from ..datasets.medcalc.survival import Comparison


def calculators(found: Iterable[Calculator]) -> Table:
    """Return the list of calculators."""
    table = _table("Calculators", "id", "name", "answer", "formula", "source")
    for one in found:
        answer = f"{one.answer}, {one.unit}" if one.unit else one.answer
        table.add_row(str(one.number), one.name, answer, one.formula, one.source)
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


def agreement(evaluation: Evaluation) -> Table:
    """Return how many rows of each calculator agree with their label, and why the others do not."""
    table = _table(
        f"Agreement with the labels, {evaluation.arithmetic}", "id", "calculator", "rows", "agree", "why not"
    )
    for number, verdicts in evaluation.by_calculator().items():
        agreeing = sum(verdict.agrees for verdict in verdicts)
        why = sorted({defect.text for verdict in verdicts for defect in verdict.defects})
        name = CALCULATORS[number].name if number in CALCULATORS else "unknown"
        table.add_row(str(number), name, str(len(verdicts)), str(agreeing), "; ".join(why))
    return table


def disagreements(evaluation: Evaluation) -> Table:
    """Return every row that disagrees, with its cause."""
    table = _table("Rows that disagree", "row", "id", "formula", "label", "category", "cause")
    for verdict in evaluation.verdicts:
        if verdict.agrees:
            continue
        kind = CALCULATORS[verdict.calculator].answer if verdict.calculator in CALCULATORS else "decimal"
        categories = ", ".join(sorted({defect.category for defect in verdict.defects}))
        cause = verdict.error or ", ".join(defect.name for defect in verdict.defects) or "not explained"
        label = "" if verdict.truth is None else _shown(verdict.truth.answer, kind)
        table.add_row(str(verdict.row), str(verdict.calculator), _shown(verdict.result, kind), label, categories, cause)
    return table


def survival(comparison: Comparison) -> Table:
    """Return, for each calculator and arithmetic, how many rows stay within the limits around the exact result."""
    table = _table("Rows within the limits around the exact result", "id", "calculator", "multiplies", "rows")
    for name in comparison.names[1:]:
        table.add_column(name)
    for one in comparison.survivals:
        counts = (one.multiplies, one.rows, *one.near[1:])
        table.add_row(str(one.calculator.number), one.calculator.name, *map(str, counts))
    table.add_section()
    for label, counts in (
        ("rows", comparison.rows_near()),
        ("rows that agree with their label", comparison.rows_right()),
        ("calculators that keep all rows", comparison.calculators_surviving()),
    ):
        table.add_row("", label, "", *map(str, counts))
    return table


def summary(comparison: Comparison) -> str:
    """Return the counts in words, and the reasons why calculators survive."""
    exact = comparison.evaluations[0]
    rows, agreeing = len(exact.verdicts), exact.agreeing
    explained = sum(verdict.explained for verdict in exact.verdicts)
    share = 100 * agreeing / rows if rows else 0.0
    lines = [
        f"{agreeing} of {rows} rows agree ({share:.1f} %); {explained - agreeing} labels contradict the published "
        f"formula in a known way; {rows - explained} rows are not explained."
    ]
    if len(comparison.evaluations) > 1:
        kept = [one for one in comparison.survivals if not one.multiplies]
        for reason in dict.fromkeys(one.reason for one in kept):
            numbers = ", ".join(str(one.calculator.number) for one in kept if one.reason == reason)
            lines.append(f"Survive every arithmetic: {numbers}; {reason}.")
        lines += _losses(comparison)
    return "\n".join(lines)


def _losses(comparison: Comparison) -> list[str]:
    """Say of each arithmetic which calculators with multiplies keep all rows and which do not, and why, by answer."""
    lines = []
    for place, name in enumerate(comparison.names[1:], start=1):
        kept = set(comparison.surviving(place))
        lost = [one for one in comparison.survivals if one.calculator.number not in kept]
        rows = sum(one.rows - one.near[place] for one in lost)
        kinds = [
            f"{sum((one.calculator.answer == 'decimal') == decimal for one in lost)} {text}"
            for decimal, text in ((True, "with decimals"), (False, "with whole numbers or dates"))
        ]
        also = ", ".join(str(number) for number in sorted(kept & _multiplying(comparison))) or "none"
        lines.append(
            f"{name}: {len(lost)} calculators lose {rows} rows ({', '.join(kinds)}); with multiplies, these keep "
            f"all: {also}."
        )
    return lines


def _multiplying(comparison: Comparison) -> set[int]:
    return {one.calculator.number for one in comparison.survivals if one.multiplies}


def _shown(result: Result | None, kind: Answer) -> str:
    if result is None:
        return ""
    if isinstance(result, tuple):
        return f"{result[0]} weeks {result[1]} days"
    return date.fromordinal(int(result)).isoformat() if kind == "date" else f"{result:.6g}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table
