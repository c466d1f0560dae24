"""Patients made up at random, as arguments of the calculators: what is plausible in a hospital, always the same."""

from __future__ import annotations

from datetime import date
from typing import Final

import torch
from torch import Tensor

from ...errors import ArgumentError
from .calculator import Calculator
from .fields import Choice, Field, Flag

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "acidity": (7.0, 7.8),
    "age": (18, 95),
    "albumin": (1.5, 5),
    "alt": (5, 400),
    "ast": (5, 400),
    "bicarbonate": (8, 40),
    "bilirubin": (0.2, 15),
    "bmi": (16, 45),
    "calcium": (6, 12),
    "carbon_dioxide": (20, 70),
    "chloride": (85, 115),
    "coma": (3, 15),
    "creatinine": (0.4, 6),
    "diastolic": (35, 110),
    "dobutamine": (0, 10),
    "dopamine": (0, 20),
    "doses": (0, 60),
    "drinks": (0, 20),
    "epinephrine": (0, 0.3),
    "glucose": (50, 600),
    "gradient": (5, 600),
    "hdl": (20, 90),
    "heart_rate": (35, 180),
    "height": (140, 205),
    "hematocrit": (18, 60),
    "hemoglobin": (6, 17),
    "inr": (0.8, 4),
    "inspired": (21, 100),
    "insulin": (2, 40),
    "mass": (1, 100),
    "norepinephrine": (0, 0.3),
    "oxygen": (45, 110),
    "platelets": (10_000, 450_000),
    "potassium": (2, 7.5),
    "qt": (300, 520),
    "respiratory_rate": (8, 45),
    "saturation": (85, 100),
    "sodium": (110, 165),
    "systolic": (70, 200),
    "temperature": (33, 41.5),
    "times": (0, 4),
    "total_cholesterol": (120, 320),
    "triglycerides": (50, 390),
    "urea_nitrogen": (5, 100),
    "urine": (50, 3000),
    "urine_creatinine": (10, 300),
    "urine_sodium": (5, 150),
    "weight": (38, 150),
    "white_cells": (500, 45_000),
}
"""The least and greatest value of each quantity, in the unit of its field."""
_WHOLE: Final = frozenset({"coma", "drinks", "heart_rate", "respiratory_rate", "times"})
_DAYS: Final = {
    "last_period": (date(2023, 1, 1).toordinal(), date(2023, 12, 31).toordinal()),
    "today": (date(2024, 1, 1).toordinal(), date(2024, 9, 30).toordinal()),
    "cycle": (21, 35),
}


def patients(calculator: Calculator, batch: int) -> tuple[Tensor, ...]:
    """Return a calculator's arguments for `batch` patients, of the shapes and types that its module takes.

    Criteria are met by one in five; choices are taken evenly. The same at each call. Raises ArgumentError where `batch`
    is not positive.
    """
    if batch < 1:
        raise ArgumentError(f"batch: expected a positive number, found {batch}")
    generator = torch.Generator().manual_seed(calculator.number)
    return tuple(_column(field, batch, generator) for field in calculator.fields)


def _column(field: Field, batch: int, generator: torch.Generator) -> Tensor:
    if isinstance(field, Flag):
        return (torch.rand(batch, generator=generator) < 0.2).float()
    if isinstance(field, Choice):
        codes = torch.tensor(sorted(set((field.codes or {}).values())))
        return codes[torch.randint(len(codes), (batch,), generator=generator)]
    if field.integer:
        low, high = _DAYS[field.argument]
        return torch.randint(low, high + 1, (batch,), generator=generator)
    shape = (batch, len(field.entities)) if field.columns else (batch,)
    if field.argument == "female":
        return torch.randint(2, shape, generator=generator).float()
    least, greatest = _RANGES[field.argument]
    if field.argument in _WHOLE:
        return torch.randint(int(least), int(greatest) + 1, shape, generator=generator).float()
    return least + (greatest - least) * torch.rand(shape, generator=generator)
