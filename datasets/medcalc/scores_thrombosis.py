"""Scores of venous thrombosis and pulmonary embolism."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from .calculator import Calculator
from .common import AGE, HEART_RATE
from .fields import Flag, Quantity
from .points import bands, either, given, total


class WellsPE(nn.Module):
    """Signs of thrombosis 3, embolism most likely 3, heart rate above 100 1.5, immobile or operated 1.5, ...

    ... thrombosis or embolism before 1.5, hemoptysis 1, malignancy 1; 0 to 12.5 points.

    Source: Wells et al., Thrombosis and Haemostasis 83, 2000.
    """

    def forward(
        self,
        signs: Tensor,
        likely: Tensor,
        heart_rate: Tensor,
        immobile: Tensor,
        surgery: Tensor,
        embolism: Tensor,
        thrombosis: Tensor,
        hemoptysis: Tensor,
        malignancy: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        return total(
            given(signs, 3),
            given(likely, 3),
            given(heart_rate > 100, 1.5),
            given(either(immobile, surgery), 1.5),
            given(either(embolism, thrombosis), 1.5),
            given(hemoptysis, 1),
            given(malignancy, 1),
        )


class WellsDVT(nn.Module):
    """One point for each of nine findings, bedridden or operated being one; another diagnosis as likely -2.

    -2 to 9 points.

    Source: Wells et al., New England Journal of Medicine 349, 2003.
    """

    def forward(
        self,
        cancer: Tensor,
        paralysis: Tensor,
        bedridden: Tensor,
        surgery: Tensor,
        tenderness: Tensor,
        leg_swollen: Tensor,
        calf_swelling: Tensor,
        edema: Tensor,
        collateral_veins: Tensor,
        thrombosis: Tensor,
        alternative: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        return total(
            given(cancer, 1),
            given(paralysis, 1),
            given(either(bedridden, surgery), 1),
            given(tenderness, 1),
            given(leg_swollen, 1),
            given(calf_swelling, 1),
            given(edema, 1),
            given(collateral_veins, 1),
            given(thrombosis, 1),
            given(alternative, -2),
        )


class PERC(nn.Module):
    """How many of eight criteria are met: age from 50, heart rate from 100, saturation below 95 %, leg swelling, ...

    ... hemoptysis, surgery or trauma, thrombosis or embolism before, hormones; 0 to 8.

    Source: Kline et al., Journal of Thrombosis and Haemostasis 2, 2004.
    """

    def forward(
        self,
        age: Tensor,
        heart_rate: Tensor,
        saturation: Tensor,
        leg_swelling: Tensor,
        hemoptysis: Tensor,
        surgery: Tensor,
        embolism: Tensor,
        thrombosis: Tensor,
        hormones: Tensor,
    ) -> Tensor:
        """Return the number of criteria met."""
        return total(
            bands(age, 0, (50, 1)),
            bands(heart_rate, 0, (100, 1)),
            bands(saturation, 1, (95, 0)),
            given(leg_swelling, 1),
            given(hemoptysis, 1),
            given(surgery, 1),
            given(either(embolism, thrombosis), 1),
            given(hormones, 1),
        )


EMBOLISM: Final = Flag("embolism", ("Previously Documented Pulmonary Embolism",))
THROMBOSIS: Final = Flag("thrombosis", ("Previously documented Deep Vein Thrombosis",))
HEMOPTYSIS: Final = Flag("hemoptysis", ("Hemoptysis",))

CALCULATORS: Final = (
    Calculator(
        8,
        "Wells' criteria for pulmonary embolism",
        "score",
        WellsPE,
        (
            Flag("signs", ("Clinical signs and symptoms of Deep Vein Thrombosis",)),
            Flag("likely", ("Pulmonary Embolism is #1 diagnosis OR equally likely",)),
            HEART_RATE,
            Flag("immobile", ("Immobilization for at least 3 days",)),
            Flag("surgery", ("Surgery in the previous 4 weeks",)),
            EMBOLISM,
            THROMBOSIS,
            HEMOPTYSIS,
            Flag("malignancy", ("Malignancy with treatment within 6 months or palliative",)),
        ),
        unit="points",
    ),
    Calculator(
        16,
        "Wells' criteria for deep vein thrombosis",
        "score",
        WellsDVT,
        (
            Flag("cancer", ("Active cancer",)),
            Flag("paralysis", ("Paralysis, paresis, or recent plaster immobilization of the lower extremity",)),
            Flag("bedridden", ("Bedridden recently >3 days or major surgery within 12 weeks",)),
            Flag("surgery", ("Major surgery within 12 weeks",)),
            Flag("tenderness", ("Localized tenderness along the deep venous system",)),
            Flag("leg_swollen", ("Entire Leg Swollen",)),
            Flag("calf_swelling", ("Calf swelling >3 centimeters compared to the other leg",)),
            Flag("edema", ("Pitting edema, confined to symptomatic leg",)),
            Flag("collateral_veins", ("Collateral (nonvaricose) superficial veins present",)),
            THROMBOSIS,
            Flag("alternative", ("Alternative diagnosis to Deep Vein Thrombosis as likely or more likely",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        48,
        "PERC rule for pulmonary embolism",
        "score",
        PERC,
        (
            AGE,
            HEART_RATE,
            Quantity("saturation", ("O₂ saturation percentage",), "%"),
            Flag("leg_swelling", ("Unilateral Leg Swelling",)),
            HEMOPTYSIS,
            Flag("surgery", ("Recent surgery or trauma",)),
            EMBOLISM,
            THROMBOSIS,
            Flag("hormones", ("Hormone use",)),
        ),
        "integer",
        "criteria",
    ),
)
