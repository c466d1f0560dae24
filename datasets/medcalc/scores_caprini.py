"""The Caprini score of the risk of venous thromboembolism: thirty items."""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from .calculator import Calculator
from .common import AGE
from .fields import Choice, Flag, Quantity
from .points import bands, coded, either, given, total
from .scores_thrombosis import EMBOLISM, THROMBOSIS

FLAGS: Final[tuple[tuple[int, str, str], ...]] = (
    (1, "recent_surgery", "Major Surgery in the last month"),
    (1, "heart_failure", "Congestive Heart Failure in the last month"),
    (1, "sepsis", "Sepsis in the last month"),
    (1, "pneumonia", "Pneumonia in the last month"),
    (2, "plaster_cast", "Immobilizing plaster cast in the last month"),
    (5, "fracture", "Hip, pelvis, or leg fracture in the last month"),
    (5, "stroke", "Stroke in the last month"),
    (5, "trauma", "Multiple trauma in the last month"),
    (5, "spinal_injury", "Acute spinal cord injury causing paralysis in the last month"),
    (1, "varicose_veins", "Varicose veins"),
    (1, "swollen_legs", "Current swollen legs"),
    (2, "venous_access", "Current central venous access"),
    (3, "family_history", "Family history of thrombosis"),
    (3, "factor_v", "Positive Factor V Leiden"),
    (3, "prothrombin", "Positive prothrombin 20210A"),
    (3, "homocysteine", "Elevated serum homocysteine"),
    (3, "lupus_anticoagulant", "Positive lupus anticoagulant"),
    (3, "anticardiolipin", "Elevated anticardiolipin antibody"),
    (3, "thrombocytopenia", "Heparin-induced thrombocytopenia"),
    (3, "thrombophilia", "Other congenital or acquired thrombophilia"),
    (1, "bowel_disease", "History of inflammatory bowel disease"),
    (1, "infarction", "Acute Myocardial infarction"),
    (1, "lung_disease", "Chronic Obstructive Pulmonary Disease"),
    (2, "malignancy", "Present or previous malignancy"),
)
"""Points, argument and entity of the items that are there or not."""


class Caprini(nn.Module):
    """Age from 41 1, from 61 2, from 75 3; surgery 1, 2 or 5; mobility 1 or 2; body mass index above 25 kg/m² 1; ...

    ... thrombosis or embolism before 3; the points of `FLAGS`. Being a woman gives no points: the items for women are
    hormones, pregnancy and its complications, which the data set does not record.

    Source: Caprini, Disease-a-Month 51, 2005.
    """

    def forward(
        self,
        age: Tensor,
        bmi: Tensor,
        surgery: Tensor,
        mobility: Tensor,
        embolism: Tensor,
        thrombosis: Tensor,
        *flags: Tensor,
    ) -> Tensor:
        """Return the score, points; `flags` in the order of `FLAGS`."""
        return total(
            bands(age, 0, (41, 1), (61, 2), (75, 3)),
            given(bmi > 25, 1),
            coded(surgery, 0, 1, 2, 5),
            coded(mobility, 0, 1, 2),
            given(either(embolism, thrombosis), 3),
            *(given(flag, points) for flag, (points, _, _) in zip(flags, FLAGS, strict=True)),
        )


SURGERY: Final = Choice(
    "surgery",
    ("Surgery Type",),
    {
        "none": 0,
        "minor": 1,
        "major": 2,
        "laparoscopic": 2,
        "arthroscopic": 2,
        "elective major lower extremity arthroplasty": 3,
    },
    0,
)
MOBILITY: Final = Choice("mobility", ("Mobility",), {"normal": 0, "on bed rest": 1, "confined to bed >72 hours": 2}, 0)

CALCULATORS: Final = (
    Calculator(
        36,
        "Caprini score for venous thromboembolism (2005)",
        "score",
        Caprini,
        (
            AGE,
            Quantity("bmi", ("Body Mass Index (BMI)",), "kg/m^2"),
            SURGERY,
            MOBILITY,
            EMBOLISM,
            THROMBOSIS,
            *(Flag(argument, (entity,)) for _, argument, entity in FLAGS),
        ),
        "integer",
        "points",
    ),
)
