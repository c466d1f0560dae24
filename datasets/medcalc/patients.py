"""Made-up patients by the million: plausible arguments of some calculators, for timing and for comparing results."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ...errors import ArgumentError

COCKCROFT_GAULT: Final = 2
CKD_EPI: Final = 3
APACHE_II: Final = 28

_AGE: Final = (18.0, 95.0)
_CREATININE: Final = (0.3, 8.0)
_FLAG: Final = (0, 1)
# Two f32 bound a continuous range; whole numbers are chosen from, both ends included. In the units of the calculators.
_RANGES: Final[dict[int, tuple[tuple[float, float], ...]]] = {
    COCKCROFT_GAULT: (_AGE, _FLAG, (40.0, 140.0), (145.0, 200.0), _CREATININE),
    CKD_EPI: (_AGE, _FLAG, _CREATININE),
    APACHE_II: (
        _AGE,
        (29.0, 42.0),  # temperature
        (60.0, 220.0),  # systolic, diastolic
        (30.0, 130.0),
        (30.0, 190.0),  # heart, respiratory rate
        (4.0, 55.0),
        (21.0, 100.0),  # inspired oxygen, gradient, arterial pressure
        (5.0, 600.0),
        (40.0, 110.0),
        (7.0, 7.8),  # pH
        (105.0, 185.0),  # sodium, potassium
        (2.0, 7.5),
        _CREATININE,
        _FLAG,
        (15.0, 65.0),  # hematocrit, white cells
        (500.0, 45000.0),
        (3, 15),  # coma
        _FLAG,
        (0, 2),  # surgery
    ),
}


def patients(number: int, count: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Return the arguments of calculator `number` for `count` patients, each [count], f32 or int64 as it takes them.

    Each is drawn uniformly from a plausible range, independently of the others. Raises ArgumentError for a calculator
    whose ranges are not known.
    """
    from .registry import CALCULATORS

    if number not in _RANGES:
        raise ArgumentError(f"number: expected one of {', '.join(map(str, _RANGES))}, found {number}")
    generator = torch.Generator().manual_seed(seed)
    columns = []
    for field, (low, high) in zip(CALCULATORS[number].fields, _RANGES[number], strict=True):
        if isinstance(low, int):
            column = torch.randint(low, int(high) + 1, (count,), generator=generator)
            columns.append(column if field.integer else column.to(torch.float32))
        else:
            columns.append(torch.empty(count).uniform_(low, high, generator=generator))
    return tuple(columns)
