"""Body measures: pressure, weights, surface, fluids."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import (
    DIASTOLIC,
    FEMALE,
    HEIGHT,
    SYSTOLIC,
    WEIGHT,
    adjusted_weight,
    body_mass_index,
    ideal_weight,
    mean_pressure,
)
from .fields import Quantity


class MeanArterialPressure(nn.Module):
    """diastolic + (systolic - diastolic) / 3; mm Hg.

    Source: Sesso et al., Hypertension 36, 2000.
    """

    def forward(self, systolic: Tensor, diastolic: Tensor) -> Tensor:
        """Return the mean arterial pressure, mm Hg."""
        return mean_pressure(systolic, diastolic)


class BodyMassIndex(nn.Module):
    """weight / height²; kg/m² from kg and cm.

    Source: Keys et al., Journal of Chronic Diseases 25, 1972.
    """

    def forward(self, weight: Tensor, height: Tensor) -> Tensor:
        """Return the body mass index, kg/m²."""
        return body_mass_index(weight, height)


class IdealWeight(nn.Module):
    """50 (men) or 45.5 (women) + 2.3 (inches - 60); kg from cm.

    Source: Devine, Drug Intelligence and Clinical Pharmacy 8, 1974.
    """

    def forward(self, female: Tensor, height: Tensor) -> Tensor:
        """Return the ideal weight, kg."""
        return ideal_weight(female, height)


class AdjustedWeight(nn.Module):
    """ideal + 0.4 (weight - ideal); kg from kg and cm.

    Source: Bauer et al., European Journal of Clinical Pharmacology 24, 1983; ideal weight by Devine, Drug Intelligence
    and Clinical Pharmacy 8, 1974.
    """

    def forward(self, female: Tensor, weight: Tensor, height: Tensor) -> Tensor:
        """Return the adjusted weight, kg."""
        return adjusted_weight(weight, ideal_weight(female, height))


class TargetWeight(nn.Module):
    """index height²; kg from kg/m² and cm.

    Source: Keys et al., Journal of Chronic Diseases 25, 1972, solved for the weight.
    """

    def forward(self, bmi: Tensor, height: Tensor) -> Tensor:
        """Return the weight that has the body mass index, kg."""
        metres = height / 100
        return bmi * (metres * metres)


class SurfaceArea(nn.Module):
    """sqrt(weight height / 3600); m² from kg and cm.

    Source: Mosteller, New England Journal of Medicine 317, 1987.
    """

    def forward(self, weight: Tensor, height: Tensor) -> Tensor:
        """Return the body surface area, m²."""
        return torch.sqrt(weight * height / 3600)


class MaintenanceFluids(nn.Module):
    """4 mL/h for each of the first 10 kg, 2 for each of the next 10, 1 for each further; mL/h from kg.

    Source: Holliday and Segar, Pediatrics 19, 1957.
    """

    def forward(self, weight: Tensor) -> Tensor:
        """Return the maintenance fluids, mL/h."""
        middle = 40 + 2 * (weight - 10)
        return torch.where(weight < 10, 4 * weight, torch.where(weight < 20, middle, 60 + (weight - 20)))


CALCULATORS: Final = (
    Calculator(5, "Mean arterial pressure", "physical", MeanArterialPressure, (SYSTOLIC, DIASTOLIC), unit="mm Hg"),
    Calculator(6, "Body mass index", "physical", BodyMassIndex, (WEIGHT, HEIGHT), unit="kg/m²"),
    Calculator(10, "Ideal body weight", "physical", IdealWeight, (FEMALE, HEIGHT), unit="kg"),
    Calculator(22, "Maintenance fluids", "physical", MaintenanceFluids, (WEIGHT,), unit="mL/h"),
    Calculator(60, "Body surface area", "physical", SurfaceArea, (WEIGHT, HEIGHT), unit="m²"),
    Calculator(
        61,
        "Target weight",
        "physical",
        TargetWeight,
        (Quantity("bmi", ("Body Mass Index (BMI)",), "kg/m^2"), HEIGHT),
        unit="kg",
    ),
    Calculator(62, "Adjusted body weight", "physical", AdjustedWeight, (FEMALE, WEIGHT, HEIGHT), unit="kg"),
)
