"""Scores of critical care: coma, physiology, organ failure."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import (
    AGE,
    BILIRUBIN,
    CREATININE,
    DIASTOLIC,
    HEART_RATE,
    PLATELETS,
    RESPIRATORY_RATE,
    SODIUM,
    SYSTOLIC,
    TEMPERATURE,
    WHITE_CELLS,
    mean_pressure,
)
from .fields import Choice, Flag, Number, Quantity, Values
from .points import bands, coded, either, given, total
from .scores_infection import ACIDITY, HEMATOCRIT
from .units import CREATININE as CREATININE_SUBSTANCE
from .units import POTASSIUM as POTASSIUM_SUBSTANCE


class GlasgowComa(nn.Module):
    """Eyes 1 to 4, speech 1 to 5, movement 1 to 6; 3 to 15 points.

    Eyes and speech that cannot be tested count in full, as the data set says that it does.

    Source: Teasdale and Jennett, Lancet 304, 1974.
    """

    def forward(self, eye: Tensor, verbal: Tensor, motor: Tensor) -> Tensor:
        """Return the score, points, from the points of the parts, int64."""
        return (eye + verbal + motor).to(torch.float32)


class APACHE2(nn.Module):
    """Points for twelve measurements, for age and for chronic illness; 0 to 71 points.

    Temperature °C, pressures mm Hg, rates by minute, pH, sodium and potassium mEq/L, creatinine mg/dL (twofold in acute
    renal failure), hematocrit %, white cells by µL, 15 less the coma score. Oxygenation is by the alveolar-arterial
    gradient where half or more of what is breathed is oxygen, by the arterial pressure elsewhere. Chronic illness: 5
    points without surgery or after emergency surgery, 2 after elective.

    Source: Knaus et al., Critical Care Medicine 13, 1985.
    """

    def forward(
        self,
        age: Tensor,
        temperature: Tensor,
        systolic: Tensor,
        diastolic: Tensor,
        heart_rate: Tensor,
        respiratory_rate: Tensor,
        inspired: Tensor,
        gradient: Tensor,
        oxygen: Tensor,
        acidity: Tensor,
        sodium: Tensor,
        potassium: Tensor,
        creatinine: Tensor,
        acute_failure: Tensor,
        hematocrit: Tensor,
        white_cells: Tensor,
        coma: Tensor,
        chronic: Tensor,
        surgery: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        kidney = bands(creatinine, 2, (0.6, 0), (1.5, 2), (2, 3), (3.5, 4))
        by_gradient = bands(gradient, 0, (200, 2), (350, 3), (500, 4))
        # Up to 70 and up to 60, not below.
        by_pressure = total(given(oxygen <= 70, 1), given(oxygen <= 60, 2), given(oxygen < 55, 1))
        return total(
            bands(temperature, 4, (30, 3), (32, 2), (34, 1), (36, 0), (38.5, 1), (39, 3), (41, 4)),
            bands(mean_pressure(systolic, diastolic), 4, (50, 2), (70, 0), (110, 2), (130, 3), (160, 4)),
            bands(heart_rate, 4, (40, 3), (55, 2), (70, 0), (110, 2), (140, 3), (180, 4)),
            bands(respiratory_rate, 4, (6, 2), (10, 1), (12, 0), (25, 1), (35, 3), (50, 4)),
            torch.where(inspired >= 50, by_gradient, by_pressure),
            bands(acidity, 4, (7.15, 3), (7.25, 2), (7.33, 0), (7.5, 1), (7.6, 3), (7.7, 4)),
            bands(sodium, 4, (111, 3), (120, 2), (130, 0), (150, 1), (155, 2), (160, 3), (180, 4)),
            bands(potassium, 4, (2.5, 2), (3, 1), (3.5, 0), (5.5, 1), (6, 3), (7, 4)),
            torch.where(acute_failure > 0.5, kidney + kidney, kidney),
            bands(hematocrit, 4, (20, 2), (30, 0), (46, 1), (50, 2), (60, 4)),
            bands(white_cells, 4, (1000, 2), (3000, 0), (15000, 1), (20000, 2), (40000, 4)),
            15 - coma,
            bands(age, 0, (45, 2), (55, 3), (65, 5), (75, 6)),
            torch.where(chronic > 0.5, coded(surgery, 5, 5, 2), 0.0),
        )


class SOFA(nn.Module):
    """Points 0 to 4 for lung, blood, liver, circulation, nerves, kidney; 0 to 24 points.

    Lung: arterial oxygen (mm Hg) over the share breathed; 3 and 4 points only with respiratory support. Circulation:
    mean pressure below 70 mm Hg 1; dopamine, dobutamine, epinephrine, norepinephrine in µg/kg/min 2 to 4. Kidney:
    creatinine (mg/dL) or urine (mL/day), the worse.

    Source: Vincent et al., Intensive Care Medicine 22, 1996.
    """

    def forward(
        self,
        oxygen: Tensor,
        inspired: Tensor,
        ventilation: Tensor,
        airway_pressure: Tensor,
        platelets: Tensor,
        bilirubin: Tensor,
        systolic: Tensor,
        diastolic: Tensor,
        hypotension: Tensor,
        dopamine: Tensor,
        dobutamine: Tensor,
        epinephrine: Tensor,
        norepinephrine: Tensor,
        coma: Tensor,
        creatinine: Tensor,
        urine: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        ratio = oxygen / (inspired / 100)
        supported = bands(ratio, 4, (100, 3), (200, 2), (300, 1), (400, 0))
        lung = torch.where(either(ventilation, airway_pressure), supported, supported.clamp(max=2))
        strongest = torch.maximum(epinephrine, norepinephrine)
        circulation = given(torch.logical_or(mean_pressure(systolic, diastolic) < 70, hypotension > 0.5), 1)
        circulation = torch.where(torch.logical_or(dopamine > 0, dobutamine > 0), 2.0, circulation)
        circulation = torch.where(torch.logical_or(dopamine > 5, strongest > 0), 3.0, circulation)
        circulation = torch.where(torch.logical_or(dopamine > 15, strongest > 0.1), 4.0, circulation)
        kidney = torch.maximum(
            bands(creatinine, 0, (1.2, 1), (2, 2), (3.5, 3), (5, 4)), bands(urine, 4, (200, 3), (500, 0))
        )
        return total(
            lung,
            bands(platelets, 4, (20000, 3), (50000, 2), (100000, 1), (150000, 0)),
            bands(bilirubin, 0, (1.2, 1), (2, 2), (6, 3), (12, 4)),
            circulation,
            bands(coma, 4, (6, 3), (10, 2), (13, 1), (15, 0)),
            kidney,
        )


def _half_or_more(values: Values) -> bool:
    return bool(values["inspired"] >= 50)


def _less_than_half(values: Values) -> bool:
    return bool(values["inspired"] < 50)


PAO2: Final = ("Partial pressure of oxygen (PaO₂) for Apache II",)
INSPIRED: Final = Quantity("inspired", ("FiO₂",), "%")
COMA: Final = Number("coma", ("Glasgow Coma Score",))

CALCULATORS: Final = (
    Calculator(
        21,
        "Glasgow coma score",
        "score",
        GlasgowComa,
        (
            Choice(
                "eye",
                ("Best eye response",),
                {
                    "no eye opening": 1,
                    "eye opening to pain": 2,
                    "eye opening to verbal command": 3,
                    "eyes open spontaneously": 4,
                    "not testable": 4,
                },
            ),
            Choice(
                "verbal",
                ("Best verbal response",),
                {
                    "no verbal response": 1,
                    "incomprehensible sounds": 2,
                    "inappropriate words": 3,
                    "confused": 4,
                    "oriented": 5,
                    "not testable": 5,
                },
            ),
            Choice(
                "motor",
                ("Best motor response",),
                {
                    "no motor response": 1,
                    "extension to pain": 2,
                    "flexion to pain": 3,
                    "withdrawal from pain": 4,
                    "localizes pain": 5,
                    "obeys commands": 6,
                },
            ),
        ),
        "integer",
        "points",
    ),
    Calculator(
        28,
        "APACHE II",
        "score",
        APACHE2,
        (
            AGE,
            TEMPERATURE,
            SYSTOLIC,
            DIASTOLIC,
            HEART_RATE,
            RESPIRATORY_RATE,
            INSPIRED,
            # Only one of the two is used, so only that one must be there.
            Number("gradient", ("A-a gradient",), 0.0, _half_or_more),
            Quantity("oxygen", PAO2, "mm Hg", otherwise=0.0, needed_when=_less_than_half),
            ACIDITY,
            SODIUM,
            Quantity("potassium", ("Potassium",), "mEq/L", POTASSIUM_SUBSTANCE),
            CREATININE,
            Flag("acute_failure", ("Acute renal failure",)),
            HEMATOCRIT,
            WHITE_CELLS,
            COMA,
            Flag("chronic", ("History of severe organ failure or immunocompromise",)),
            Choice(
                "surgery",
                ("Surgery Type",),
                {"nonoperative": 0, "emergency": 1, "nonelective": 1, "elective": 2},
                0,
            ),
        ),
        "integer",
        "points",
    ),
    Calculator(
        43,
        "SOFA",
        "score",
        SOFA,
        (
            Quantity("oxygen", PAO2, "mm Hg"),
            INSPIRED,
            Flag("ventilation", ("On mechanical ventilation",)),
            Flag("airway_pressure", ("Continous positive airway pressure", "Continuous positive airway pressure")),
            PLATELETS,
            BILIRUBIN,
            # Not measured counts as normal: pressure, consciousness, kidney; not given counts as 0.
            Quantity("systolic", SYSTOLIC.entities, "mm Hg", otherwise=120.0),
            Quantity("diastolic", DIASTOLIC.entities, "mm Hg", otherwise=80.0),
            Flag("hypotension", ("Hypotension",)),
            Quantity("dopamine", ("DOPamine",), "mcg/kg/min", otherwise=0.0),
            Quantity("dobutamine", ("DOBUTamine",), "mcg/kg/min", otherwise=0.0),
            Quantity("epinephrine", ("EPINEPHrine",), "mcg/kg/min", otherwise=0.0),
            Quantity("norepinephrine", ("norEPINEPHrine",), "mcg/kg/min", otherwise=0.0),
            Number("coma", COMA.entities, 15.0),
            Quantity("creatinine", CREATININE.entities, "mg/dL", CREATININE_SUBSTANCE, otherwise=1.0),
            Quantity("urine", ("Urine Output",), "mL/day", otherwise=1500.0),
        ),
        "integer",
        "points",
    ),
)
