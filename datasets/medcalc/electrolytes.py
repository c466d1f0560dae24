"""Electrolytes: corrections, osmolality, anion gaps and what is made of them."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from . import units
from .calculator import Calculator
from .common import (
    AGE,
    ALBUMIN,
    ANION_GAP_NORMAL,
    BICARBONATE,
    BICARBONATE_NORMAL,
    CHLORIDE,
    FEMALE,
    GLUCOSE,
    SODIUM,
    UREA_NITROGEN,
    WEIGHT,
    anion_gap,
    corrected_anion_gap,
)
from .fields import Quantity


class CorrectedCalcium(nn.Module):
    """calcium + 0.8 (4 - albumin); mg/dL from mg/dL and g/dL.

    Source: Payne et al., British Medical Journal 4, 1973.
    """

    def forward(self, calcium: Tensor, albumin: Tensor) -> Tensor:
        """Return the calcium corrected for albumin, mg/dL."""
        return calcium + 0.8 * (4 - albumin)


class CorrectedSodium(nn.Module):
    """sodium + 0.024 (glucose - 100); mEq/L from mEq/L and mg/dL.

    Source: Hillier, Abbott and Barrett, American Journal of Medicine 106, 1999.
    """

    def forward(self, sodium: Tensor, glucose: Tensor) -> Tensor:
        """Return the sodium corrected for glucose, mEq/L."""
        return sodium + 0.024 * (glucose - 100)


class SerumOsmolality(nn.Module):
    """2 sodium + urea nitrogen / 2.8 + glucose / 18; mOsm/kg from mEq/L, mg/dL, mg/dL.

    Source: Purssell et al., Annals of Emergency Medicine 38, 2001, who compare it with the other equations.
    """

    def forward(self, sodium: Tensor, urea_nitrogen: Tensor, glucose: Tensor) -> Tensor:
        """Return the serum osmolality, mOsm/kg."""
        return 2 * sodium + urea_nitrogen / 2.8 + glucose / 18


class FreeWaterDeficit(nn.Module):
    """share weight (sodium / 140 - 1); L from kg and mEq/L.

    The share of water in the body is 0.6 in children (below 18) and men, 0.5 in women; from 65 years on 0.5 and 0.45.

    Source: Adrogué and Madias, New England Journal of Medicine 342, 2000.
    """

    def forward(self, age: Tensor, female: Tensor, weight: Tensor, sodium: Tensor) -> Tensor:
        """Return the free water deficit, L."""
        woman = female > 0.5
        adult = torch.where(woman, 0.5, 0.6)
        elderly = torch.where(woman, 0.45, 0.5)
        share = torch.where(age < 18, 0.6, torch.where(age < 65, adult, elderly))
        return share * weight * (sodium / 140 - 1)


class AnionGap(nn.Module):
    """sodium - (chloride + bicarbonate); mEq/L.

    Source: Emmett and Narins, Medicine 56, 1977.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor) -> Tensor:
        """Return the anion gap, mEq/L."""
        return anion_gap(sodium, chloride, bicarbonate)


class DeltaGap(nn.Module):
    """The anion gap less 12; mEq/L.

    Source: Wrenn, Annals of Emergency Medicine 19, 1990.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor) -> Tensor:
        """Return the delta gap, mEq/L."""
        return anion_gap(sodium, chloride, bicarbonate) - ANION_GAP_NORMAL


class DeltaRatio(nn.Module):
    """(anion gap - 12) / (24 - bicarbonate).

    Source: Rastegar, Journal of the American Society of Nephrology 18, 2007.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor) -> Tensor:
        """Return the delta ratio."""
        gap = anion_gap(sodium, chloride, bicarbonate) - ANION_GAP_NORMAL
        return gap / (BICARBONATE_NORMAL - bicarbonate)


class CorrectedAnionGap(nn.Module):
    """anion gap + 2.5 (4 - albumin); mEq/L from mEq/L and g/dL.

    Source: Figge, Jabor, Kazda and Fencl, Critical Care Medicine 26, 1998.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor, albumin: Tensor) -> Tensor:
        """Return the anion gap corrected for albumin, mEq/L."""
        return corrected_anion_gap(sodium, chloride, bicarbonate, albumin)


class CorrectedDeltaGap(nn.Module):
    """The anion gap corrected for albumin, less 12; mEq/L.

    Source: Figge, Jabor, Kazda and Fencl, Critical Care Medicine 26, 1998; Wrenn, Annals of Emergency Medicine 19,
    1990.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor, albumin: Tensor) -> Tensor:
        """Return the delta gap corrected for albumin, mEq/L."""
        return corrected_anion_gap(sodium, chloride, bicarbonate, albumin) - ANION_GAP_NORMAL


class CorrectedDeltaRatio(nn.Module):
    """(anion gap corrected for albumin - 12) / (24 - bicarbonate).

    Source: Figge, Jabor, Kazda and Fencl, Critical Care Medicine 26, 1998; Rastegar, Journal of the American Society of
    Nephrology 18, 2007.
    """

    def forward(self, sodium: Tensor, chloride: Tensor, bicarbonate: Tensor, albumin: Tensor) -> Tensor:
        """Return the delta ratio corrected for albumin."""
        gap = corrected_anion_gap(sodium, chloride, bicarbonate, albumin) - ANION_GAP_NORMAL
        return gap / (BICARBONATE_NORMAL - bicarbonate)


CALCIUM: Final = Quantity("calcium", ("Calcium",), "mg/dL", units.CALCIUM)
GAP: Final = (SODIUM, CHLORIDE, BICARBONATE)

CALCULATORS: Final = (
    Calculator(
        7, "Calcium correction for hypoalbuminemia", "laboratory", CorrectedCalcium, (CALCIUM, ALBUMIN), unit="mg/dL"
    ),
    Calculator(
        26, "Sodium correction for hyperglycemia", "laboratory", CorrectedSodium, (SODIUM, GLUCOSE), unit="mEq/L"
    ),
    Calculator(30, "Serum osmolality", "laboratory", SerumOsmolality, (SODIUM, UREA_NITROGEN, GLUCOSE), unit="mOsm/kg"),
    Calculator(38, "Free water deficit", "laboratory", FreeWaterDeficit, (AGE, FEMALE, WEIGHT, SODIUM), unit="L"),
    Calculator(39, "Anion gap", "laboratory", AnionGap, GAP, unit="mEq/L"),
    Calculator(63, "Delta gap", "laboratory", DeltaGap, GAP, unit="mEq/L"),
    Calculator(64, "Delta ratio", "laboratory", DeltaRatio, GAP),
    Calculator(65, "Albumin-corrected anion gap", "laboratory", CorrectedAnionGap, (*GAP, ALBUMIN), unit="mEq/L"),
    Calculator(66, "Albumin-corrected delta gap", "laboratory", CorrectedDeltaGap, (*GAP, ALBUMIN), unit="mEq/L"),
    Calculator(67, "Albumin-corrected delta ratio", "laboratory", CorrectedDeltaRatio, (*GAP, ALBUMIN)),
)
