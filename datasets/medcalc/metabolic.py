"""Liver, glucose and lipids: indices made of laboratory values."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from . import units
from .calculator import Calculator
from .common import AGE, BILIRUBIN, CREATININE, FEMALE, GLUCOSE, HDL, PLATELETS, SODIUM, SYSTOLIC, TOTAL_CHOLESTEROL
from .fields import Flag, Number, Quantity
from .points import either


class FIB4(nn.Module):
    """age AST / (platelets sqrt(ALT)); from years, U/L, a count by µL taken in thousands, U/L.

    Source: Sterling et al., Hepatology 43, 2006.
    """

    def forward(self, age: Tensor, ast: Tensor, alt: Tensor, platelets: Tensor) -> Tensor:
        """Return the fibrosis-4 index."""
        return age * ast / (platelets / 1000 * torch.sqrt(alt))


class MELDNa(nn.Module):
    """MELD(i) + 1.32 (137 - Na) - 0.033 MELD(i) (137 - Na) where MELD(i) exceeds 11, at most 40; whole points.

    MELD(i) is 10 times 0.957 ln(creatinine) + 0.378 ln(bilirubin) + 1.120 ln(INR) + 0.643, which is rounded to a tenth
    first. Creatinine is kept in 1 to 4 mg/dL, and 4 with dialysis; bilirubin (mg/dL) and INR are at least 1; sodium is
    kept in 125 to 137 mEq/L.

    Source: Kim et al., New England Journal of Medicine 359, 2008; Organ Procurement and Transplantation Network, Policy
    9.1.D, 2016.
    """

    def forward(
        self,
        creatinine: Tensor,
        bilirubin: Tensor,
        inr: Tensor,
        sodium: Tensor,
        dialysis: Tensor,
        hemodialysis: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        creatinine = torch.where(either(dialysis, hemodialysis), 4.0, creatinine.clamp(1, 4))
        logs = 0.957 * torch.log(creatinine) + 0.378 * torch.log(bilirubin.clamp(min=1))
        first = torch.round(10 * (logs + 1.12 * torch.log(inr.clamp(min=1)) + 0.643))
        missing = 137 - sodium.clamp(125, 137)
        second = first + 1.32 * missing - 0.033 * first * missing
        return torch.round(torch.where(first > 11, second, first)).clamp(max=40)


class HOMAIR(nn.Module):
    """insulin glucose / 405; from µIU/mL and mg/dL.

    Source: Matthews et al., Diabetologia 28, 1985.
    """

    def forward(self, insulin: Tensor, glucose: Tensor) -> Tensor:
        """Return the index of insulin resistance."""
        return insulin * glucose / 405


class FriedewaldLDL(nn.Module):
    """total cholesterol - HDL - triglycerides / 5; mg/dL.

    Source: Friedewald, Levy and Fredrickson, Clinical Chemistry 18, 1972.
    """

    def forward(self, total_cholesterol: Tensor, hdl: Tensor, triglycerides: Tensor) -> Tensor:
        """Return the LDL cholesterol, mg/dL."""
        return total_cholesterol - hdl - triglycerides / 5


class FraminghamRisk(nn.Module):
    """100 (1 - S^exp(B)), the risk of a hard coronary event within ten years; %.

    B is a linear form, different for women and men, in the logarithms of age (years), total and HDL cholesterol
    (mg/dL), systolic pressure (mm Hg) and in treatment and smoking; the age of smokers counts up to 78 or 70 years. S
    is 0.98767 for women, 0.9402 for men.

    Source: National Cholesterol Education Program (ATP III), Circulation 106, 2002.
    """

    def forward(
        self,
        age: Tensor,
        female: Tensor,
        total_cholesterol: Tensor,
        hdl: Tensor,
        systolic: Tensor,
        treated: Tensor,
        smoker: Tensor,
    ) -> Tensor:
        """Return the risk, %."""
        years, cholesterol, good, pressure = map(torch.log, (age, total_cholesterol, hdl, systolic))
        women = (
            31.764001 * years
            + 22.465206 * cholesterol
            - 1.187731 * good
            + 2.552905 * pressure
            + 0.420251 * treated
            + 13.07543 * smoker
            - 5.060998 * years * cholesterol
            - 2.996945 * torch.log(age.clamp(max=78)) * smoker
            - 146.5933061
        )
        men = (
            52.00961 * years
            + 20.014077 * cholesterol
            - 0.905964 * good
            + 1.305784 * pressure
            + 0.241549 * treated
            + 12.096316 * smoker
            - 4.605038 * years * cholesterol
            - 2.84367 * torch.log(age.clamp(max=70)) * smoker
            - 2.93323 * years * years
            - 172.300168
        )
        form = torch.where(female > 0.5, women, men)
        return 100 * (1 - torch.pow(torch.where(female > 0.5, 0.98767, 0.9402), torch.exp(form)))


INR: Final = Number("inr", ("international normalized ratio",))
DIALYSIS: Final = Flag("dialysis", ("Dialysis at least twice in the past week",))
HEMODIALYSIS: Final = Flag("hemodialysis", ("Continuous veno-venous hemodialysis for ≥24 hours in the past week",))

CALCULATORS: Final = (
    Calculator(
        19,
        "Fibrosis-4 index",
        "laboratory",
        FIB4,
        (
            AGE,
            Quantity("ast", ("Aspartate aminotransferase",), "U/L"),
            Quantity("alt", ("Alanine aminotransferase",), "U/L"),
            PLATELETS,
        ),
    ),
    Calculator(
        23,
        "MELD-Na (UNOS/OPTN)",
        "laboratory",
        MELDNa,
        (CREATININE, BILIRUBIN, INR, SODIUM, DIALYSIS, HEMODIALYSIS),
        unit="points",
    ),
    Calculator(31, "HOMA-IR", "laboratory", HOMAIR, (Quantity("insulin", ("Insulin",), "µIU/mL"), GLUCOSE)),
    Calculator(
        44,
        "LDL cholesterol (Friedewald)",
        "laboratory",
        FriedewaldLDL,
        (TOTAL_CHOLESTEROL, HDL, Quantity("triglycerides", ("Triglycerides",), "mg/dL", units.TRIGLYCERIDES)),
        unit="mg/dL",
    ),
    Calculator(
        46,
        "Framingham risk of hard coronary heart disease (ATP III)",
        "laboratory",
        FraminghamRisk,
        (
            AGE,
            FEMALE,
            TOTAL_CHOLESTEROL,
            HDL,
            SYSTOLIC,
            Flag("treated", ("Blood pressure being treated with medicines",)),
            Flag("smoker", ("Smoker",)),
        ),
        unit="%",
    ),
)
