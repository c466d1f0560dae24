"""Kidney function: clearance, filtration rate, excretion of sodium."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from . import units
from .calculator import Calculator
from .common import AGE, CREATININE, FEMALE, HEIGHT, SODIUM, WEIGHT, adjusted_weight, body_mass_index, ideal_weight
from .fields import Choice, Quantity


class CockcroftGault(nn.Module):
    """(140 - age) weight / (72 creatinine), women 85 % of it; mL/min from years, kg, cm, mg/dL.

    The weight is the actual one below a body mass index of 18.5 kg/m², the lesser of actual and ideal from there to 25,
    and the adjusted one from 25 on.

    Source: Cockcroft and Gault, Nephron 16, 1976; the weight by Winter, Guhr and Berg, Pharmacotherapy 32, 2012.
    """

    def forward(self, age: Tensor, female: Tensor, weight: Tensor, height: Tensor, creatinine: Tensor) -> Tensor:
        """Return the creatinine clearance, mL/min."""
        bmi = body_mass_index(weight, height)
        ideal = ideal_weight(female, height)
        normal = torch.minimum(ideal, weight)
        used = torch.where(bmi < 18.5, weight, torch.where(bmi < 25, normal, adjusted_weight(weight, ideal)))
        return (140 - age) * used * torch.where(female > 0.5, 0.85, 1.0) / (72 * creatinine)


class CKDEPI2021(nn.Module):
    """142 min(c/κ, 1)^α max(c/κ, 1)^-1.200 0.9938^age, women 1.012 times it; from mg/dL and years.

    κ is 0.7 (women) or 0.9 (men), α -0.241 or -0.302. The race-free equation of 2021.

    Source: Inker et al., New England Journal of Medicine 385, 2021.
    """

    def forward(self, age: Tensor, female: Tensor, creatinine: Tensor) -> Tensor:
        """Return the estimated glomerular filtration rate, mL/min/1.73 m²."""
        woman = female > 0.5
        ratio = creatinine / torch.where(woman, 0.7, 0.9)
        exponent = torch.where(ratio <= 1, torch.where(woman, -0.241, -0.302), -1.2)
        return 142 * torch.pow(ratio, exponent) * torch.pow(0.9938, age) * torch.where(woman, 1.012, 1.0)


class MDRD(nn.Module):
    """175 creatinine^-1.154 age^-0.203, women 0.742 and Black patients 1.212 times it; from mg/dL and years.

    The four-variable equation for creatinine traceable to the reference method.

    Source: Levey et al., Annals of Internal Medicine 145, 2006.
    """

    def forward(self, age: Tensor, female: Tensor, race: Tensor, creatinine: Tensor) -> Tensor:
        """Return the estimated glomerular filtration rate, mL/min/1.73 m²."""
        rate = 175 * torch.pow(creatinine, -1.154) * torch.pow(age, -0.203)
        return rate * torch.where(female > 0.5, 0.742, 1.0) * torch.where(race == 1, 1.212, 1.0)


class SodiumExcretion(nn.Module):
    """100 urine sodium plasma creatinine / (plasma sodium urine creatinine); %, both pairs in one unit each.

    Source: Espinel, Journal of the American Medical Association 236, 1976.
    """

    def forward(self, sodium: Tensor, creatinine: Tensor, urine_sodium: Tensor, urine_creatinine: Tensor) -> Tensor:
        """Return the fractional excretion of sodium, %."""
        return 100 * (urine_sodium * creatinine) / (sodium * urine_creatinine)


_RACES: Final[dict[str | bool, int]] = {
    **dict.fromkeys(("other", "white", "caucasian", "asian", "hispanic", "latino"), 0),
    **dict.fromkeys(("black", "african american"), 1),
}
RACE: Final = Choice("race", ("Race",), _RACES, 0)

CALCULATORS: Final = (
    Calculator(
        2,
        "Creatinine clearance (Cockcroft-Gault)",
        "laboratory",
        CockcroftGault,
        (AGE, FEMALE, WEIGHT, HEIGHT, CREATININE),
        unit="mL/min",
    ),
    Calculator(
        3,
        "Glomerular filtration rate (CKD-EPI 2021)",
        "laboratory",
        CKDEPI2021,
        (AGE, FEMALE, CREATININE),
        unit="mL/min/1.73 m²",
    ),
    Calculator(
        9,
        "Glomerular filtration rate (MDRD)",
        "laboratory",
        MDRD,
        (AGE, FEMALE, RACE, CREATININE),
        unit="mL/min/1.73 m²",
    ),
    Calculator(
        40,
        "Fractional excretion of sodium",
        "laboratory",
        SodiumExcretion,
        (
            SODIUM,
            CREATININE,
            Quantity("urine_sodium", ("Urine sodium",), "mEq/L", units.SODIUM),
            Quantity("urine_creatinine", ("Urine creatinine",), "mg/dL", units.CREATININE),
        ),
        unit="%",
    ),
)
