"""Fields and formulas that several calculators share."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from . import units
from .fields import Female, Quantity

AGE: Final = Quantity("age", ("age",), "years")
FEMALE: Final = Female("female", ("sex",))
WEIGHT: Final = Quantity("weight", ("weight",), "kg")
HEIGHT: Final = Quantity("height", ("height",), "cm")
HEART_RATE: Final = Quantity("heart_rate", ("Heart Rate or Pulse",), "beats per minute")
RESPIRATORY_RATE: Final = Quantity("respiratory_rate", ("respiratory rate",), "breaths per minute")
SYSTOLIC: Final = Quantity("systolic", ("Systolic Blood Pressure",), "mm Hg")
DIASTOLIC: Final = Quantity("diastolic", ("Diastolic Blood Pressure",), "mm Hg")
TEMPERATURE: Final = Quantity("temperature", ("Temperature",), "degrees Celsius")
SODIUM: Final = Quantity("sodium", ("Sodium",), "mEq/L", units.SODIUM)
CHLORIDE: Final = Quantity("chloride", ("Chloride",), "mEq/L", units.CHLORIDE)
BICARBONATE: Final = Quantity("bicarbonate", ("Bicarbonate",), "mEq/L", units.BICARBONATE)
ALBUMIN: Final = Quantity("albumin", ("Albumin",), "g/dL", units.ALBUMIN)
BILIRUBIN: Final = Quantity("bilirubin", ("Bilirubin",), "mg/dL", units.BILIRUBIN)
CREATININE: Final = Quantity("creatinine", ("creatinine",), "mg/dL", units.CREATININE)
GLUCOSE: Final = Quantity("glucose", ("Glucose",), "mg/dL", units.GLUCOSE)
UREA_NITROGEN: Final = Quantity("urea_nitrogen", ("Blood Urea Nitrogen (BUN)",), "mg/dL", units.UREA_NITROGEN)
TOTAL_CHOLESTEROL: Final = Quantity("total_cholesterol", ("Total cholesterol",), "mg/dL", units.CHOLESTEROL)
HDL: Final = Quantity("hdl", ("high-density lipoprotein cholesterol",), "mg/dL", units.CHOLESTEROL)
PLATELETS: Final = Quantity("platelets", ("Platelet count",), "µL")
WHITE_CELLS: Final = Quantity("white_cells", ("White blood cell count",), "µL")

ANION_GAP_NORMAL: Final = 12.0
"""mEq/L, without potassium: Emmett and Narins, Medicine 56, 1977."""
BICARBONATE_NORMAL: Final = 24.0
"""mEq/L: Rastegar, Journal of the American Society of Nephrology 18, 2007."""


def body_mass_index(weight: Tensor, height: Tensor) -> Tensor:
    """Return kg/m² from kg and cm."""
    metres = height / 100
    return weight / (metres * metres)


def ideal_weight(female: Tensor, height: Tensor) -> Tensor:
    """Return kg from cm: Devine's 50 kg (men) or 45.5 kg (women) at 60 inches, 2.3 kg for each inch more."""
    return torch.where(female > 0.5, 45.5, 50.0) + 2.3 * (height / 2.54 - 60)


def adjusted_weight(weight: Tensor, ideal: Tensor) -> Tensor:
    """Return the ideal weight and 40 % of the excess over it, kg."""
    return ideal + 0.4 * (weight - ideal)


def mean_pressure(systolic: Tensor, diastolic: Tensor) -> Tensor:
    """Return mm Hg: a third of the pulse pressure above the diastolic pressure."""
    return diastolic + (systolic - diastolic) / 3


def anion_gap(sodium: Tensor, chloride: Tensor, bicarbonate: Tensor) -> Tensor:
    """Return mEq/L."""
    return sodium - (chloride + bicarbonate)


def corrected_anion_gap(sodium: Tensor, chloride: Tensor, bicarbonate: Tensor, albumin: Tensor) -> Tensor:
    """Return mEq/L: 2.5 mEq/L more for each g/dL of albumin below 4."""
    return anion_gap(sodium, chloride, bicarbonate) + 2.5 * (4 - albumin)
