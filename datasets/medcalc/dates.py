"""Dates of a pregnancy, in whole days; nothing is multiplied in floating point."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .fields_dates import Day, Days


class DueDate(nn.Module):
    """last menstrual period + 280 days + (cycle length - 28 days).

    Source: Naegele's rule for a cycle of 28 days; for other lengths, Baskett and Nagele, British Journal of Obstetrics
    and Gynaecology 107, 2000.
    """

    def forward(self, last_period: Tensor, cycle: Tensor) -> Tensor:
        """Return the day number of the due date."""
        return last_period + 280 + (cycle - 28)


class ConceptionDate(nn.Module):
    """last menstrual period + 14 days.

    The data set asks for this variant, two weeks whatever the cycle; it is how gestational age is defined.

    Source: American College of Obstetricians and Gynecologists, Committee Opinion 700, Obstetrics and Gynecology 129,
    2017.
    """

    def forward(self, last_period: Tensor) -> Tensor:
        """Return the day number of the conception."""
        return last_period + 14


class GestationalAge(nn.Module):
    """The days since the last menstrual period, as weeks and days.

    Source: American College of Obstetricians and Gynecologists, Committee Opinion 700, Obstetrics and Gynecology 129,
    2017.
    """

    def forward(self, last_period: Tensor, today: Tensor) -> Tensor:
        """Return [batch, 2]: whole weeks, and the days beyond them."""
        elapsed = today - last_period
        weeks = torch.div(elapsed, 7, rounding_mode="floor")
        return torch.stack((weeks, elapsed - 7 * weeks), dim=-1)


LAST_PERIOD: Final = Day("last_period", ("Last menstrual date",))

CALCULATORS: Final = (
    Calculator(13, "Due date", "date", DueDate, (LAST_PERIOD, Days("cycle", ("cycle length",))), "date"),
    Calculator(68, "Date of conception", "date", ConceptionDate, (LAST_PERIOD,), "date"),
    Calculator(
        69,
        "Gestational age",
        "date",
        GestationalAge,
        (LAST_PERIOD, Day("today", ("Current Date",))),
        "weeks and days",
    ),
)
