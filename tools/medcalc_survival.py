"""What survives an approximate arithmetic, as tables and in words: each calculator's rows, and why whole numbers do."""

from __future__ import annotations

from ..datasets.medcalc.survival import Comparison
from ..datasets.medcalc.whole_numbers import WholeNumbers
from .medcalc_sheet import Sheet, sheet


def survival(comparison: Comparison) -> Sheet:
    """Return, for each calculator and arithmetic, how many rows stay within the limits around the exact result."""
    names = comparison.names[1:]
    table = sheet("Rows within the limits around the exact result", "id", "calculator", "multiplies", "rows", *names)
    for one in comparison.survivals:
        counts = (one.multiplies, one.rows, *one.near[1:])
        table.add(str(one.calculator.number), one.calculator.name, *map(str, counts))
    for label, found in (
        ("rows", comparison.rows_near()),
        ("rows that agree with their label", comparison.rows_right()),
        ("calculators that keep all rows", comparison.calculators_surviving()),
    ):
        table.totals.append(("", label, "", *map(str, found)))
    return table


def why_whole_numbers(comparison: Comparison) -> Sheet:
    """Return why scores and dates survive: what they compute with, and rows that fewer bits of all numbers change.

    In a cell of bits: rows with another answer, and in brackets the comparisons that come out otherwise.
    """
    bits = [held.mantissa_bits for held in comparison.whole[0].held] if comparison.whole else []
    title = (
        "Whole numbers and dates: what they do, and rows that change (comparisons crossed) if every number had k bits"
    )
    head = ("id", "calculator", "multiplies", "comparisons", "greatest number", "bits it needs", "rows")
    table = sheet(title, *head, *(f"{count} bits" for count in bits))
    multiplies = {one.calculator.number: one.multiplies for one in comparison.survivals}
    for one in comparison.whole:
        table.add(
            str(one.calculator.number),
            one.calculator.name,
            str(multiplies[one.calculator.number]),
            str(one.comparisons),
            f"{one.greatest:,.0f}",
            str(one.bits),
            str(one.rows),
            *(f"{held.changed} ({held.crossed})" for held in one.held),
        )
    return table


def whole_reasons(comparison: Comparison) -> list[str]:
    """Return in words what `why_whole_numbers` counts: scores, then dates."""
    multiplies = {one.calculator.number: one.multiplies for one in comparison.survivals}
    found = comparison.whole
    scores = [one for one in found if one.calculator.answer == "integer"]
    dates = [one for one in found if one.calculator.answer != "integer"]
    lines = []
    for what, group in (("scores", scores), ("dates", dates)):
        if not group:
            continue
        count = sum(multiplies[one.calculator.number] for one in group)
        line = f"Calculators of {what}: {len(group)}, which multiply floats {count} times"
        if what == "scores":
            line += f"; points come from {sum(one.comparisons for one in group)} comparisons, of one patient in each"
        else:
            line += f"; day numbers up to {max(one.greatest for one in group):,.0f} need {_bits(group)} mantissa bits"
        lines.append(f"{line}. Were every number held in fewer bits: {_held(group, spacing=what == 'dates')}.")
    return lines


def _bits(group: list[WholeNumbers]) -> int:
    return max(one.bits for one in group)


def _held(group: list[WholeNumbers], *, spacing: bool) -> str:
    """Return what each number of bits would do to the rows of some calculators."""
    parts = []
    for place, held in enumerate(group[0].held):
        changed = sum(one.held[place].changed for one in group)
        crossed = sum(one.held[place].crossed for one in group)
        apart = max(one.held[place].spacing for one in group)
        more = f"numbers {apart:g} apart" if spacing else f"{crossed} comparisons cross"
        parts.append(f"{held.mantissa_bits} bits change {changed} of {sum(one.rows for one in group)} rows ({more})")
    return "; ".join(parts)


def losses(comparison: Comparison) -> list[str]:
    """Say of each arithmetic which calculators with multiplies keep all rows, which do not, and the worst result."""
    lines = []
    multiplying = {one.calculator.number for one in comparison.survivals if one.multiplies}
    for place, name in enumerate(comparison.names[1:], start=1):
        kept = set(comparison.surviving(place))
        lost = [one for one in comparison.survivals if one.calculator.number not in kept]
        rows = sum(one.rows - one.near[place] for one in lost)
        kinds = [
            f"{sum((one.calculator.answer == 'decimal') == decimal for one in lost)} {text}"
            for decimal, text in ((True, "with decimals"), (False, "with whole numbers or dates"))
        ]
        also = ", ".join(str(number) for number in sorted(kept & multiplying)) or "none"
        worst = max(comparison.survivals, key=lambda one: one.worst[place])
        lines.append(
            f"{name}: {len(lost)} calculators lose {rows} rows ({', '.join(kinds)}); with multiplies, these keep "
            f"all: {also}. The worst result is {100 * worst.worst[place]:.2g} % off (calculator "
            f"{worst.calculator.number})."
        )
    return lines
