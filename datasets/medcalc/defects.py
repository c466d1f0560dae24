"""Why a label differs from the published formula: deviations that were seen in the data set's explanations.

A `Defect` is a deviation as a computation, not a comment: it changes what goes into the published formula, or what
comes out. A label is explained by defects which, applied together, give the label (a decimal, by its limits): all that
every label of the calculator has, and the fewest of the others. So an explanation that does not account for a label
cannot stand, and one that does so by chance is unlikely, though a score of few points cannot rule it out.
`defects_seen` holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import torch

from .answers import Result, Truth, results
from .calculator import Calculator

Inputs: TypeAlias = dict[str, Any]
"""A patient's values by argument."""
Category: TypeAlias = Literal["formula", "explanation", "conversion", "entities"]
"""What is wrong with the label: it contradicts the published formula; the steps of its own explanation; a conversion of
units went wrong; or it does not follow from the entities of its row."""


def _unchanged(values: Inputs) -> Inputs:
    return values


def _as_it_is(result: Result, _: Inputs) -> Result:
    return result


@dataclass(frozen=True)
class Defect:
    """One deviation of one calculator's labels."""

    calculator: int
    name: str
    category: Category
    text: str
    """What the label does instead, in words."""
    before: Callable[[Inputs], Inputs] = _unchanged
    """What goes into the formula, from what the row says."""
    after: Callable[[Result, Inputs], Result] = _as_it_is
    """What comes out, from what the formula gives and what the row says."""
    always: bool = True
    """Whether every label of the calculator has it (where it makes a difference); else it hangs on how a row is
    written."""


def formula(calculator: Calculator, values: Mapping[str, Any]) -> Result:
    """Return the published formula's result for one patient, in torch."""
    with torch.inference_mode():
        output = calculator.module()(*calculator.tensors([tuple(values.values())]))
    return results(output, calculator.answer)[0]


def explain(
    calculator: Calculator, values: Mapping[str, Any], truth: Truth, known: Sequence[Defect]
) -> tuple[Defect, ...] | None:
    """Return which of the `known` defects together give the label, without those that make no difference to it.

    `None` where none do.
    """
    own = [defect for defect in known if defect.calculator == calculator.number]
    for chosen in _choices(own):
        if truth.admits(deviating(calculator, values, chosen)):
            return _needed(calculator, values, truth, chosen)
    return None


def deviating(calculator: Calculator, values: Mapping[str, Any], chosen: Iterable[Defect]) -> Result:
    """Return the result for one patient with the chosen defects."""
    chosen = tuple(chosen)
    changed = dict(values)
    for defect in chosen:
        changed = defect.before(changed)
    result = formula(calculator, changed)
    for defect in chosen:
        result = defect.after(result, dict(values))
    return result


def _choices(defects: Sequence[Defect]) -> Iterator[tuple[Defect, ...]]:
    fixed = tuple(defect for defect in defects if defect.always)
    others = [defect for defect in defects if not defect.always]
    for count in range(len(others) + 1):
        for chosen in combinations(others, count):
            if fixed or chosen:
                yield fixed + chosen


def _needed(
    calculator: Calculator, values: Mapping[str, Any], truth: Truth, chosen: tuple[Defect, ...]
) -> tuple[Defect, ...]:
    """Return the defects that the rest cannot do without."""
    whole = deviating(calculator, values, chosen)
    return tuple(
        defect
        for defect in chosen
        if deviating(calculator, values, [other for other in chosen if other is not defect]) != whole
    )
