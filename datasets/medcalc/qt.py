"""The QT interval of an electrocardiogram, corrected for heart rate by five formulas; ms from ms and beats per minute.

RR is the interval between beats, 60 / heart rate seconds.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import HEART_RATE
from .fields import Quantity


class Bazett(nn.Module):
    """QT / sqrt(RR).

    Source: Bazett, Heart 7, 1920.
    """

    def forward(self, qt: Tensor, heart_rate: Tensor) -> Tensor:
        """Return the corrected interval, ms."""
        return qt / torch.sqrt(60 / heart_rate)


class Fridericia(nn.Module):
    """QT / RR^(1/3).

    Source: Fridericia, Acta Medica Scandinavica 53, 1920.
    """

    def forward(self, qt: Tensor, heart_rate: Tensor) -> Tensor:
        """Return the corrected interval, ms."""
        return qt / torch.pow(60 / heart_rate, 1 / 3)


class FraminghamQT(nn.Module):
    """QT + 154 (1 - RR).

    Source: Sagie et al., American Journal of Cardiology 70, 1992.
    """

    def forward(self, qt: Tensor, heart_rate: Tensor) -> Tensor:
        """Return the corrected interval, ms."""
        return qt + 154 * (1 - 60 / heart_rate)


class Hodges(nn.Module):
    """QT + 1.75 (heart rate - 60).

    Source: Hodges, Salerno and Erlien, Journal of the American College of Cardiology 1, 1983.
    """

    def forward(self, qt: Tensor, heart_rate: Tensor) -> Tensor:
        """Return the corrected interval, ms."""
        return qt + 1.75 * (heart_rate - 60)


class Rautaharju(nn.Module):
    """QT (120 + heart rate) / 180.

    Source: Rautaharju and Zhang, Journal of Cardiovascular Electrophysiology 13, 2002.
    """

    def forward(self, qt: Tensor, heart_rate: Tensor) -> Tensor:
        """Return the corrected interval, ms."""
        return qt * (120 + heart_rate) / 180


FIELDS: Final = (Quantity("qt", ("QT interval",), "msec"), HEART_RATE)

CALCULATORS: Final = (
    Calculator(11, "QTc (Bazett)", "physical", Bazett, FIELDS, unit="ms"),
    Calculator(56, "QTc (Fridericia)", "physical", Fridericia, FIELDS, unit="ms"),
    Calculator(57, "QTc (Framingham)", "physical", FraminghamQT, FIELDS, unit="ms"),
    Calculator(58, "QTc (Hodges)", "physical", Hodges, FIELDS, unit="ms"),
    Calculator(59, "QTc (Rautaharju)", "physical", Rautaharju, FIELDS, unit="ms"),
)
