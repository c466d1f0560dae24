"""Equivalent doses: corticosteroids and opioids."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .fields_doses import Columns, DrugCode, DrugMass

STEROIDS: Final[dict[str, float]] = {
    "Betamethasone IV": 0.75,
    "Cortisone PO": 25.0,
    "Dexamethasone IV": 0.75,
    "Dexamethasone PO": 0.75,
    "Hydrocortisone IV": 20.0,
    "Hydrocortisone PO": 20.0,
    "MethylPrednisoLONE IV": 4.0,
    "MethylPrednisoLONE PO": 4.0,
    "PrednisoLONE PO": 5.0,
    "PredniSONE PO": 5.0,
    "Triamcinolone IV": 4.0,
}
"""mg with the glucocorticoid effect of 5 mg of prednisone."""

OPIOIDS: Final[dict[str, tuple[float, str]]] = {
    "Codeine": (0.15, "mg"),
    "FentaNYL buccal": (0.13, "µg"),
    "FentANYL patch": (2.4, "mcg/h"),
    "HYDROcodone": (1.0, "mg"),
    "HYDROmorphone": (5.0, "mg"),
    "Methadone": (4.7, "mg"),
    "Morphine": (1.0, "mg"),
    "OxyCODONE": (1.5, "mg"),
    "OxyMORphone": (3.0, "mg"),
    "Tapentadol": (0.4, "mg"),
    "TraMADol": (0.2, "mg"),
    "Buprenorphine": (10.0, "mg"),
}
"""mg of oral morphine for one unit of the daily dose, and the unit. A patch's dose is the rate it releases."""


class SteroidConversion(nn.Module):
    """mass equivalent(target) / equivalent(drug); mg. Drugs are codes, their place in `STEROIDS`.

    Source: Meikle and Tyler, American Journal of Medicine 63, 1977.
    """

    equivalents: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("equivalents", torch.tensor(list(STEROIDS.values())))

    def forward(self, drug: Tensor, mass: Tensor, target: Tensor) -> Tensor:
        """Return the equivalent mass, mg."""
        return mass * self.equivalents[target] / self.equivalents[drug]


class MorphineEquivalents(nn.Module):
    """The sum of dose, doses a day and factor over the opioids; mg of oral morphine a day. Columns as in `OPIOIDS`.

    Source: Dowell et al., Morbidity and Mortality Weekly Report 71, 2022; factors of buccal fentanyl and buprenorphine
    from the compilation of the Centers for Disease Control and Prevention, 2016.
    """

    factors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("factors", torch.tensor([factor for factor, _ in OPIOIDS.values()]))

    def forward(self, doses: Tensor, times: Tensor) -> Tensor:
        """Return the morphine equivalents, mg a day, from doses and doses a day, both [batch, opioids]."""
        return (doses * times * self.factors).sum(-1)


_STEROID_CODES: Final[dict[str | bool, int]] = {name.lower(): place for place, name in enumerate(STEROIDS)}

_DOSES: Final = tuple(f"{name} Dose" for name in OPIOIDS)
_TIMES: Final = tuple(f"{name} Dose Per Day" for name in OPIOIDS)

CALCULATORS: Final = (
    Calculator(
        24,
        "Steroid conversion",
        "dosage",
        SteroidConversion,
        (
            DrugCode("drug", ("input steroid",), _STEROID_CODES),
            DrugMass("mass", ("input steroid",)),
            DrugCode("target", ("target steroid",), _STEROID_CODES),
        ),
        unit="mg",
    ),
    Calculator(
        49,
        "Morphine milligram equivalents",
        "dosage",
        MorphineEquivalents,
        (
            Columns(
                "doses",
                _DOSES,
                tuple(unit for _, unit in OPIOIDS.values()),
                _TIMES,
                # The data set gives a patch's strength "in mg", with figures and factor of the rate.
                tuple({"mg": "mcg/h", "µg": "mcg/h"} if unit == "mcg/h" else {} for _, unit in OPIOIDS.values()),
            ),
            Columns("times", _TIMES, ("per day",) * len(OPIOIDS), _DOSES),
        ),
        unit="mg/day",
    ),
)
