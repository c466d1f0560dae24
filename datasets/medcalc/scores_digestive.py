"""Scores of the liver and the gut, and of the illnesses that a patient has together."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from .calculator import Calculator
from .common import AGE, ALBUMIN, BILIRUBIN, FEMALE, HEART_RATE, SYSTOLIC, UREA_NITROGEN
from .fields import Choice, Flag, Quantity
from .metabolic import INR
from .points import bands, coded, either, given, total
from .scores_heart import HEART_FAILURE, ISCHEMIC_ATTACK


class ChildPugh(nn.Module):
    """Bilirubin, albumin, INR, ascites, encephalopathy: 1 to 3 each; 5 to 15 points.

    2 points: bilirubin 2 to 3 mg/dL, albumin 2.8 to 3.5 g/dL, INR 1.7 to 2.3, slight ascites, encephalopathy of grade 1
    or 2.

    Source: Pugh et al., British Journal of Surgery 60, 1973; the INR by Lucey et al., Liver Transplantation and Surgery
    3, 1997.
    """

    def forward(
        self, bilirubin: Tensor, albumin: Tensor, inr: Tensor, ascites: Tensor, encephalopathy: Tensor
    ) -> Tensor:
        """Return the score, points."""
        return total(
            torch.where(bilirubin > 3, 3.0, bands(bilirubin, 1, (2, 2))),
            torch.where(albumin > 3.5, 1.0, bands(albumin, 3, (2.8, 2))),
            torch.where(inr > 2.3, 3.0, bands(inr, 1, (1.7, 2))),
            coded(ascites, 1, 2, 3),
            coded(encephalopathy, 1, 2, 3),
        )


class GlasgowBlatchford(nn.Module):
    """Urea nitrogen 2, 3, 4, 6; hemoglobin 1, 3, 6; pressure 1, 2, 3; and five findings; 0 to 23 points.

    Urea nitrogen from 18.2, 22.4, 28, 70 mg/dL; hemoglobin below 13, 12, 10 g/dL (men) or below 12, 10 (1, 6; women);
    systolic below 110, 100, 90 mm Hg. Heart rate from 100 1, melena 1, syncope 2, liver disease 2, heart failure 2.

    Source: Blatchford, Murray and Blatchford, Lancet 356, 2000.
    """

    def forward(
        self,
        female: Tensor,
        urea_nitrogen: Tensor,
        hemoglobin: Tensor,
        systolic: Tensor,
        heart_rate: Tensor,
        melena: Tensor,
        syncope: Tensor,
        liver: Tensor,
        heart_failure: Tensor,
    ) -> Tensor:
        """Return the score, points."""
        men = bands(hemoglobin, 6, (10, 3), (12, 1), (13, 0))
        women = bands(hemoglobin, 6, (10, 1), (12, 0))
        return total(
            bands(urea_nitrogen, 0, (18.2, 2), (22.4, 3), (28, 4), (70, 6)),
            torch.where(female > 0.5, women, men),
            bands(systolic, 3, (90, 2), (100, 1), (110, 0)),
            bands(heart_rate, 0, (100, 1)),
            given(melena, 1),
            given(syncope, 2),
            given(liver, 2),
            given(heart_failure, 2),
        )


class Charlson(nn.Module):
    """One point for each decade from 50, at most 4, and 1, 2, 3 or 6 for illnesses; 0 to 37 points.

    1: infarction, heart failure, vessels, stroke or ischemic attack, dementia, lung, connective tissue, ulcer, mild
    liver disease, diabetes. 2: hemiplegia, kidney, diabetes with end-organ damage, solid tumor, leukemia, lymphoma. 3:
    liver disease from moderate on. 6: metastatic tumor, AIDS.

    Source: Charlson et al., Journal of Chronic Diseases 40, 1987; age by Charlson et al., Journal of Clinical
    Epidemiology 47, 1994.
    """

    def forward(
        self,
        age: Tensor,
        infarction: Tensor,
        heart_failure: Tensor,
        vessels: Tensor,
        stroke: Tensor,
        ischemic_attack: Tensor,
        dementia: Tensor,
        lung: Tensor,
        connective_tissue: Tensor,
        ulcer: Tensor,
        liver: Tensor,
        diabetes: Tensor,
        hemiplegia: Tensor,
        kidney: Tensor,
        tumor: Tensor,
        leukemia: Tensor,
        lymphoma: Tensor,
        aids: Tensor,
    ) -> Tensor:
        """Return the index, points."""
        ones = (infarction, heart_failure, vessels, dementia, lung, connective_tissue, ulcer)
        twos = (hemiplegia, kidney, leukemia, lymphoma)
        return total(
            bands(age, 0, (50, 1), (60, 2), (70, 3), (80, 4)),
            *(given(flag, 1) for flag in ones),
            given(either(stroke, ischemic_attack), 1),
            coded(liver, 0, 1, 3),
            coded(diabetes, 0, 1, 2),
            *(given(flag, 2) for flag in twos),
            coded(tumor, 0, 2, 6),
            given(aids, 6),
        )


CALCULATORS: Final = (
    Calculator(
        15,
        "Child-Pugh",
        "score",
        ChildPugh,
        (
            BILIRUBIN,
            ALBUMIN,
            INR,
            Choice("ascites", ("Ascites",), {"absent": 0, "none": 0, "slight": 1, "moderate": 2}, 0),
            Choice(
                "encephalopathy",
                ("Encephalopathy",),
                {"no encephalopathy": 0, "none": 0, "absent": 0, "grade 1-2": 1, "grade 3-4": 2},
                0,
            ),
        ),
        "integer",
        "points",
    ),
    Calculator(
        27,
        "Glasgow-Blatchford bleeding score",
        "score",
        GlasgowBlatchford,
        (
            FEMALE,
            UREA_NITROGEN,
            Quantity("hemoglobin", ("Hemoglobin",), "g/dL"),
            SYSTOLIC,
            HEART_RATE,
            Flag("melena", ("Melena present",)),
            Flag("syncope", ("Recent syncope",)),
            Flag("liver", ("Hepatic disease history",)),
            Flag("heart_failure", ("Cardiac failure present",)),
        ),
        "integer",
        "points",
    ),
    Calculator(
        32,
        "Charlson comorbidity index",
        "score",
        Charlson,
        (
            AGE,
            Flag("infarction", ("Myocardial infarction",)),
            HEART_FAILURE,
            Flag("vessels", ("Peripheral vascular disease",)),
            Flag("stroke", ("Cerebrovascular Accident",)),
            ISCHEMIC_ATTACK,
            Flag("dementia", ("Dementia",)),
            Flag("lung", ("Chronic Obstructive Pulmonary Disease",)),
            Flag("connective_tissue", ("Connective tissue disease",)),
            Flag("ulcer", ("Peptic ulcer disease",)),
            Choice(
                "liver",
                ("Liver disease severity",),
                {"none": 0, "mild": 1, "moderate": 2, "severe": 2, "moderate to severe": 2, False: 0},
                0,
            ),
            Choice(
                "diabetes",
                ("Diabetes mellitus criteria for CCI rule",),
                {"none": 0, "none or diet-controlled": 0, "uncomplicated": 1, "end-organ damage": 2, False: 0},
                0,
            ),
            Flag("hemiplegia", ("Hemiplegia",)),
            Flag("kidney", ("Moderate to severe Chronic Kidney Disease",)),
            # "True" does not say that it has spread.
            Choice(
                "tumor",
                ("Solid tumor",),
                {"none": 0, "localized": 1, "metastatic": 2, False: 0, True: 1},
                0,
            ),
            Flag("leukemia", ("Leukemia",)),
            Flag("lymphoma", ("Lymphoma",)),
            Flag("aids", ("AIDS",)),
        ),
        "integer",
        "points",
    ),
)
