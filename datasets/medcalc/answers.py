"""The data set's rules for an answer: dates, integers and weeks with days exactly, decimals inside the limits."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from torch import Tensor

from ...errors import ArgumentError
from .calculator import Answer
from .fields_dates import day_number
from .registry import calculator
from .rows import Row
from .shown import shown

Result: TypeAlias = float | int | tuple[int, int]
"""A decimal or integer as float, a date as day number, or weeks and days."""

_WEEKS: Final = re.compile(r"(\d+) weeks?")
_DAYS: Final = re.compile(r"(\d+) days?")


@dataclass(frozen=True)
class Truth:
    """A row's ground truth; for all but decimals, both limits are the answer."""

    answer: Result
    lower: Result
    upper: Result

    def admits(self, result: Result) -> bool:
        """Return whether a calculator's result counts as right. A NaN does not."""
        if isinstance(self.lower, float) and isinstance(self.upper, float) and isinstance(result, float):
            return self.lower <= result <= self.upper
        return result == self.answer


def truth(row: Row) -> Truth:
    """Return what a row says. Raises ArgumentError, naming row and column, where that cannot be read."""
    try:
        kind = calculator(row.calculator).answer
        answer = _parse(row.answer, kind, "Ground Truth Answer")
        if kind != "decimal":
            return Truth(answer, answer, answer)
        lower, upper = _parse(row.lower, kind, "Lower Limit"), _parse(row.upper, kind, "Upper Limit")
    except ArgumentError as error:
        raise ArgumentError(f"row {row.number}: {error}") from None
    # Those of a negative answer may come in either order.
    first, last = sorted((lower, upper))
    return Truth(answer, first, last)


def results(output: Tensor, kind: Answer) -> list[Result]:
    """Return a calculator's results for a batch: from f32 [batch], int64 [batch] or int64 [batch, 2]."""
    if kind == "weeks and days":
        return [(int(weeks), int(days)) for weeks, days in output.tolist()]
    if kind == "date":
        return [int(day) for day in output.tolist()]
    return [float(value) for value in output.tolist()]


def _parse(text: str, kind: Answer, column: str) -> Result:
    try:
        if kind == "date":
            return day_number(text)
        if kind == "weeks and days":
            return _weeks_and_days(text)
        value = float(text)
    except ArgumentError as error:
        raise ArgumentError(f"{column}: {error}") from None
    except ValueError:
        raise ArgumentError(f"{column}: expected a number, found {shown(text)}") from None
    if not math.isfinite(value):
        raise ArgumentError(f"{column}: expected a finite number, found {shown(text)}")
    return value


def _weeks_and_days(text: str) -> tuple[int, int]:
    try:
        pair = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pair = None
    if isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
        weeks, days = _WEEKS.fullmatch(pair[0]), _DAYS.fullmatch(pair[1])
        if weeks and days:
            return int(weeks[1]), int(days[1])
    raise ArgumentError(f"expected a literal such as ('3 weeks', '2 days'), found {shown(text)}")
