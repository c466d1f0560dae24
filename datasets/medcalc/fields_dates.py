"""Dates among the inputs of a calculator, in whole days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from ...errors import ArgumentError
from .fields import EntityField
from .shown import shown

_MOST_DAYS: Final = 10_000
_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True)
class Day(EntityField):
    """A date `mm/dd/yyyy` as its day number, 1 for 1 January of the year 1 (`datetime.date.toordinal`)."""

    @property
    def integer(self) -> bool:
        """Day numbers are int64."""
        return True

    @property
    def what(self) -> str:
        """What is counted."""
        return "day number"

    def parse(self, value: object) -> int:
        """Return the day number."""
        return day_number(value)


@dataclass(frozen=True)
class Days(EntityField):
    """A whole number of days."""

    @property
    def integer(self) -> bool:
        """Days are int64, like the dates they are added to."""
        return True

    @property
    def what(self) -> str:
        """The unit."""
        return "days"

    def parse(self, value: object) -> int:
        """Return the days."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_DAYS:
            raise ArgumentError(f"expected a whole number of days up to {_MOST_DAYS}, found {shown(value)}")
        return value


def day_number(value: object) -> int:
    """Return the day number of a date `mm/dd/yyyy`. Raises ArgumentError for anything else."""
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ArgumentError(f"expected a date as mm/dd/yyyy, found {shown(value)}")
    month, day, year = map(int, match.groups())
    try:
        return date(year, month, day).toordinal()
    except ValueError as error:
        raise ArgumentError(f"expected a date as mm/dd/yyyy, found {shown(value)}: {error}") from None
