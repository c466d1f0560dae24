"""Scores of the heart and of what its treatment risks: stroke, bleeding, events around surgery."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import AGE, FEMALE
from .fields import Choice, Flag, Number, Quantity
from .points import bands, coded, either, given, total
from .units import CREATININE


class CHA2DS2VASc(nn.Module):
    """Heart failure 1, hypertension 1, age from 65 1 and from 75 2, diabetes 1, stroke, attack or embolism 2, ...

    ... vascular disease 1, woman 1; 0 to 9 points.

    Source: Lip et al., Chest 137, 2010.
    """

    def forward(
        self,
        age: Tensor,
        female: Tensor,
        heart_failure: Tensor,
        hypertension: Tensor,
        stroke: Tensor,
        ischemic_attack: Tensor,
        thromboembolism: Tensor,
        vascular_disease: Tensor,
        diabetes: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        return total(
            bands(age, 0, (65, 1), (75, 2)),
            given(female, 1),
            given(heart_failure, 1),
            given(hypertension, 1),
            given(either(stroke, ischemic_attack, thromboembolism), 2),
            given(vascular_disease, 1),
            given(diabetes, 1),
        )


class RevisedCardiacRisk(nn.Module):
    """One point each: risky surgery, ischemic heart disease, heart failure, cerebrovascular disease, insulin, ...

    ... creatinine above 2 mg/dL; 0 to 6 points.

    Source: Lee et al., Circulation 100, 1999.
    """

    def forward(
        self,
        surgery: Tensor,
        ischemic_disease: Tensor,
        heart_failure: Tensor,
        cerebrovascular_disease: Tensor,
        insulin: Tensor,
        creatinine: Tensor,
    ) -> Tensor:
        """Return the index, points."""
        return total(
            given(surgery, 1),
            given(ischemic_disease, 1),
            given(heart_failure, 1),
            given(cerebrovascular_disease, 1),
            given(insulin, 1),
            given(creatinine > 2, 1),
        )


class HEART(nn.Module):
    """History, electrocardiogram, age (45, 65 years), risk factors, troponin: 0, 1 or 2 each; 0 to 10 points.

    Risk factors: 1 point for one or two, 2 for three or known atherosclerotic disease, a transient ischemic attack
    included.

    Source: Six, Backus and Kelder, Netherlands Heart Journal 16, 2008.
    """

    def forward(
        self,
        age: Tensor,
        history: Tensor,
        electrocardiogram: Tensor,
        troponin: Tensor,
        hypertension: Tensor,
        hypercholesterolemia: Tensor,
        diabetes: Tensor,
        obesity: Tensor,
        smoking: Tensor,
        family: Tensor,
        atherosclerosis: Tensor,
        ischemic_attack: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        factors = total(hypertension, hypercholesterolemia, diabetes, obesity, smoking, family)
        known = either(atherosclerosis, ischemic_attack)
        return total(
            coded(history, 0, 1, 2),
            coded(electrocardiogram, 0, 1, 2),
            bands(age, 0, (45, 1), (65, 2)),
            torch.where(known, 2.0, bands(factors, 0, (1, 1), (3, 2))),
            coded(troponin, 0, 1, 2),
        )


class HASBLED(nn.Module):
    """One point each: hypertension, kidney, liver, stroke, bleeding, labile INR, age above 65, drugs, 8 drinks a week.

    0 to 9 points.

    Source: Pisters et al., Chest 138, 2010.
    """

    def forward(
        self,
        age: Tensor,
        hypertension: Tensor,
        renal_disease: Tensor,
        liver_disease: Tensor,
        stroke: Tensor,
        bleeding: Tensor,
        labile_inr: Tensor,
        drugs: Tensor,
        drinks: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        return total(
            given(age > 65, 1),
            given(hypertension, 1),
            given(renal_disease, 1),
            given(liver_disease, 1),
            given(stroke, 1),
            given(bleeding, 1),
            given(labile_inr, 1),
            given(drugs, 1),
            given(drinks >= 8, 1),
        )


HYPERTENSION: Final = Flag("hypertension", ("Hypertension history",))
HEART_FAILURE: Final = Flag("heart_failure", ("Congestive Heart Faliure", "Congestive Heart Failure"))
ISCHEMIC_ATTACK: Final = Flag("ischemic_attack", ("Transient Ischemic Attacks History",))

CALCULATORS: Final = (
    Calculator(
        4,
        "CHA2DS2-VASc",
        "score",
        CHA2DS2VASc,
        (
            AGE,
            FEMALE,
            HEART_FAILURE,
            HYPERTENSION,
            Flag("stroke", ("Stroke",)),
            ISCHEMIC_ATTACK,
            Flag("thromboembolism", ("Thromboembolism history",)),
            Flag("vascular_disease", ("Vascular disease history",)),
            Flag("diabetes", ("Diabetes history",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        17,
        "Revised cardiac risk index",
        "score",
        RevisedCardiacRisk,
        (
            Flag("surgery", ("Elevated-risk surgery",)),
            Flag("ischemic_disease", ("History of ischemic heart disease",)),
            Flag("heart_failure", ("Congestive Heart Failure criteria for the Cardiac Risk Index rule",)),
            Flag("cerebrovascular_disease", ("History of cerebrovascular disease", "Cerebrovascular disease history")),
            Flag("insulin", ("Pre-operative treatment with insulin",)),
            Quantity("creatinine", ("Pre-operative creatinine",), "mg/dL", CREATININE),
        ),
        "integer",
        "points",
    ),
    Calculator(
        18,
        "HEART",
        "score",
        HEART,
        (
            AGE,
            Choice(
                "history",
                ("Suspicion History",),
                {"slightly suspicious": 0, "moderately suspicious": 1, "highly suspicious": 2},
                0,
            ),
            Choice(
                "electrocardiogram",
                ("Electrocardiogram Test",),
                {"normal": 0, "non-specific repolarization disturbance": 1, "significant st deviation": 2},
                0,
            ),
            Choice(
                "troponin",
                ("Initial troponin",),
                {
                    "less than or equal to normal limit": 0,
                    "between the normal limit or up to three times the normal limit": 1,
                    "greater than three times normal limit": 2,
                },
                0,
            ),
            HYPERTENSION,
            Flag("hypercholesterolemia", ("hypercholesterolemia",)),
            Flag("diabetes", ("Diabetes mellitus criteria for CCI rule", "Diabetes history")),
            Flag("obesity", ("obesity",)),
            Flag("smoking", ("smoking", "Smoker")),
            Flag("family", ("parent or sibling with Cardiovascular disease before age 65",)),
            Flag("atherosclerosis", ("atherosclerotic disease",)),
            ISCHEMIC_ATTACK,
        ),
        "integer",
        "points",
    ),
    Calculator(
        25,
        "HAS-BLED",
        "score",
        HASBLED,
        (
            AGE,
            HYPERTENSION,
            Flag("renal_disease", ("Renal disease criteria for the HAS-BLED rule",)),
            Flag("liver_disease", ("Liver disease criteria for the HAS-BLED rule",)),
            Flag("stroke", ("Stroke",)),
            Flag("bleeding", ("Prior major bleeding or predisposition to bleeding",)),
            Flag("labile_inr", ("Labile international normalized ratio",)),
            Flag("drugs", ("Medication usage predisposing to bleeding",)),
            Number("drinks", ("Number of Alcoholic Drinks Per Week",), 0.0),
        ),
        "integer",
        "points",
    ),
)
