"""Scores of infections: sore throat, pneumonia, systemic inflammation."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import (
    AGE,
    DIASTOLIC,
    FEMALE,
    GLUCOSE,
    HEART_RATE,
    RESPIRATORY_RATE,
    SODIUM,
    SYSTOLIC,
    TEMPERATURE,
    UREA_NITROGEN,
    WHITE_CELLS,
)
from .fields import Flag, Number, Quantity
from .points import bands, given, total


class Centor(nn.Module):
    """Age 3 to 14 1, from 45 -1; exudate 1, tender nodes 1, above 38 °C 1, no cough 1; -1 to 5 points.

    Source: McIsaac et al., Canadian Medical Association Journal 158, 1998.
    """

    def forward(self, age: Tensor, temperature: Tensor, exudate: Tensor, nodes: Tensor, no_cough: Tensor) -> Tensor:
        """Return the score, points."""
        return total(
            bands(age, 0, (3, 1), (15, 0), (45, -1)),
            given(temperature > 38, 1),
            given(exudate, 1),
            given(nodes, 1),
            given(no_cough, 1),
        )


class FeverPAIN(nn.Module):
    """One point each: fever, purulence, attended within 3 days, inflamed tonsils, no cough or coryza; 0 to 5 points.

    Source: Little et al., British Medical Journal 347, 2013.
    """

    def forward(self, fever: Tensor, purulence: Tensor, rapid: Tensor, inflamed: Tensor, no_cough: Tensor) -> Tensor:
        """Return the score, points."""
        return total(*(given(flag, 1) for flag in (fever, purulence, rapid, inflamed, no_cough)))


class CURB65(nn.Module):
    """One point each: confusion, urea nitrogen above 19 mg/dL, 30 breaths a minute, low pressure, age from 65.

    Low: systolic below 90 or diastolic up to 60 mm Hg. 19 mg/dL of urea nitrogen is the 7 mmol/L of urea of the source,
    rounded as in practice. 0 to 5 points.

    Source: Lim et al., Thorax 58, 2003.
    """

    def forward(
        self,
        age: Tensor,
        confusion: Tensor,
        urea_nitrogen: Tensor,
        respiratory_rate: Tensor,
        systolic: Tensor,
        diastolic: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        return total(
            given(confusion, 1),
            given(urea_nitrogen > 19, 1),
            bands(respiratory_rate, 0, (30, 1)),
            given(torch.logical_or(systolic < 90, diastolic <= 60), 1),
            bands(age, 0, (65, 1)),
        )


class PneumoniaSeverity(nn.Module):
    """The age in years, women 10 less, and points for where the patient lives, illnesses and findings.

    Nursing home 10, neoplasm 30, liver 20, heart failure 10, cerebrovascular 10, kidney 10, mental status 20, 30
    breaths a minute 20, systolic below 90 mm Hg 20, below 35 or from 40 °C 15, heart rate from 125 10, pH below 7.35
    30, urea nitrogen from 30 mg/dL 20, sodium below 130 mEq/L 20, glucose from 250 mg/dL 10, hematocrit below 30 % 10,
    oxygen below 60 mm Hg 10, effusion 10.

    Source: Fine et al., New England Journal of Medicine 336, 1997.
    """

    def forward(
        self,
        age: Tensor,
        female: Tensor,
        nursing_home: Tensor,
        neoplasm: Tensor,
        liver: Tensor,
        heart_failure: Tensor,
        cerebrovascular: Tensor,
        kidney: Tensor,
        mental_status: Tensor,
        respiratory_rate: Tensor,
        systolic: Tensor,
        temperature: Tensor,
        heart_rate: Tensor,
        acidity: Tensor,
        urea_nitrogen: Tensor,
        sodium: Tensor,
        glucose: Tensor,
        hematocrit: Tensor,
        oxygen: Tensor,
        effusion: Tensor,
    ) -> Tensor:
        """Return the index, points."""
        return total(
            age,
            given(female, -10),
            given(nursing_home, 10),
            given(neoplasm, 30),
            given(liver, 20),
            given(heart_failure, 10),
            given(cerebrovascular, 10),
            given(kidney, 10),
            given(mental_status, 20),
            bands(respiratory_rate, 0, (30, 20)),
            bands(systolic, 20, (90, 0)),
            bands(temperature, 15, (35, 0), (40, 15)),
            bands(heart_rate, 0, (125, 10)),
            bands(acidity, 30, (7.35, 0)),
            bands(urea_nitrogen, 0, (30, 20)),
            bands(sodium, 20, (130, 0)),
            bands(glucose, 0, (250, 10)),
            bands(hematocrit, 10, (30, 0)),
            bands(oxygen, 10, (60, 0)),
            given(effusion, 10),
        )


class SIRS(nn.Module):
    """How many of four criteria are met: below 36 or above 38 °C; heart rate above 90; breathing; white cells.

    Breathing: above 20 a minute, or carbon dioxide below 32 mm Hg. White cells: below 4000 or above 12000 in a µL.

    Source: Bone et al., Chest 101, 1992.
    """

    def forward(
        self,
        temperature: Tensor,
        heart_rate: Tensor,
        respiratory_rate: Tensor,
        carbon_dioxide: Tensor,
        white_cells: Tensor,
    ) -> Tensor:
        """Return the number of criteria met."""
        return total(
            given(torch.logical_or(temperature < 36, temperature > 38), 1),
            given(heart_rate > 90, 1),
            given(torch.logical_or(respiratory_rate > 20, carbon_dioxide < 32), 1),
            given(torch.logical_or(white_cells < 4000, white_cells > 12000), 1),
        )


OXYGEN: Final = Quantity("oxygen", ("Partial pressure of oxygen (PaO₂) for Apache II",), "mm Hg")
HEMATOCRIT: Final = Quantity("hematocrit", ("Hematocrit",), "%")
ACIDITY: Final = Number("acidity", ("pH",))

CALCULATORS: Final = (
    Calculator(
        20,
        "Centor score (McIsaac)",
        "score",
        Centor,
        (
            AGE,
            TEMPERATURE,
            Flag("exudate", ("Exudate or swelling on tonsils",)),
            Flag("nodes", ("Tender/swollen anterior cervical lymph nodes",)),
            Flag("no_cough", ("Cough Absent",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        29,
        "Pneumonia severity index",
        "score",
        PneumoniaSeverity,
        (
            AGE,
            FEMALE,
            Flag("nursing_home", ("Nursing home resident",)),
            Flag("neoplasm", ("Neoplastic disease",)),
            Flag("liver", ("Liver disease severity",)),
            Flag("heart_failure", ("Congestive Heart Faliure", "Congestive Heart Failure")),
            Flag("cerebrovascular", ("Cerebrovascular disease history",)),
            Flag("kidney", ("Renal disease",)),
            Flag("mental_status", ("Altered mental status",)),
            RESPIRATORY_RATE,
            SYSTOLIC,
            TEMPERATURE,
            HEART_RATE,
            ACIDITY,
            UREA_NITROGEN,
            SODIUM,
            GLUCOSE,
            HEMATOCRIT,
            OXYGEN,
            Flag("effusion", ("Pleural effusion on x-ray",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        33,
        "FeverPAIN",
        "score",
        FeverPAIN,
        (
            Flag("fever", ("Fever in past 24 hours",)),
            Flag("purulence", ("Purulent tonsils",)),
            Flag("rapid", ("Symptom onset ≤3 days",)),
            Flag("inflamed", ("Severe tonsil inflammation",)),
            Flag("no_cough", ("Absence of cough or coryza",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        45,
        "CURB-65",
        "score",
        CURB65,
        (AGE, Flag("confusion", ("Confusion",)), UREA_NITROGEN, RESPIRATORY_RATE, SYSTOLIC, DIASTOLIC),
        "integer",
        "points",
    ),
    Calculator(
        51,
        "SIRS criteria",
        "score",
        SIRS,
        (
            TEMPERATURE,
            HEART_RATE,
            RESPIRATORY_RATE,
            # Not measured counts as normal.
            Quantity("carbon_dioxide", ("PaCO₂",), "mm Hg", otherwise=40.0),
            WHITE_CELLS,
        ),
        "integer",
        "criteria",
    ),
)
