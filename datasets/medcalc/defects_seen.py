"""The deviations of the data set's labels from the published formulas, each seen in its explanations."""

from __future__ import annotations

import math
from typing import Any, Final

from . import units
from .answers import Result
from .defects import Defect, Inputs
from .scores_caprini import FLAGS


def _with(**changed: Any) -> Any:
    """Return a function that replaces inputs by constants."""
    return lambda values: {**values, **changed}


def _number(result: Result) -> float:
    assert isinstance(result, float)
    return result


def _day(result: Result) -> int:
    assert isinstance(result, int)
    return result


def _in_rounded_steps(concentration: float, substance: units.Substance, molar_mass: float) -> float:
    """Return mg/dL after the data set's detour: mmol/L to mol and to g, each kept to three places only."""
    moles = _three_places(concentration / 100 / substance.molar_mass)
    return _three_places(moles * molar_mass) * 100


def _three_places(value: float) -> float:
    """Round to three decimals; what is below a thousandth, to three digits."""
    if value == 0 or abs(value) >= 1e-3:
        return round(value, 3)
    return round(value, 2 - math.floor(math.log10(abs(value))))


def _men_from_women(result: Result, values: Inputs) -> Result:
    low = values["female"] < 0.5 and values["creatinine"] <= 0.9
    return _number(result) * (0.9 / 0.7) ** -0.302 if low else result


def _meld_in_tens(result: Result, values: Inputs) -> Result:
    dialysis = max(values["dialysis"], values["hemodialysis"]) > 0.5
    creatinine = 4.0 if dialysis else min(max(values["creatinine"], 1), 4)
    logs = 0.957 * math.log(creatinine) + 0.378 * math.log(max(values["bilirubin"], 1))
    first = 10 * round(logs + 1.12 * math.log(max(values["inr"], 1)) + 0.643)
    missing = 137 - min(max(values["sodium"], 125), 137)
    return float(min(round(first + 1.32 * missing - 0.033 * first * missing if first > 11 else first), 40))


def _closed_hemoglobin(values: Inputs) -> Inputs:
    limit = 12.0 if values["female"] > 0.5 else 13.0
    return {**values, "hemoglobin": limit - 0.1} if values["hemoglobin"] == limit else values


def _no_low_points(values: Inputs) -> Inputs:
    least = {"heart_rate": 70, "respiratory_rate": 12, "acidity": 7.33, "sodium": 130, "potassium": 3.5}
    changed = {name: max(values[name], limit) for name, limit in least.items()}
    if values["diastolic"] + (values["systolic"] - values["diastolic"]) / 3 < 70:
        changed |= {"systolic": 120.0, "diastolic": 80.0}
    return {**values, **changed}


def _airway_pressure_only(result: Result, values: Inputs) -> Result:
    return _number(result) - (4 if values["airway_pressure"] > 0.5 > values["ventilation"] else 0)


LDL: Final = ("total_cholesterol", "hdl")

DEFECTS: Final[tuple[Defect, ...]] = (
    Defect(
        3,
        "women's-κ",
        "formula",
        "men at up to 0.9 mg/dL get the κ of women, 0.7",
        after=_men_from_women,
    ),
    Defect(
        7,
        "rounded-amount",
        "conversion",
        "mmol/L become mg/dL by way of amounts rounded to three decimals, which leaves one digit",
        before=lambda v: {**v, "calcium": _in_rounded_steps(v["calcium"], units.CALCIUM, 40.08)},
    ),
    Defect(
        13,
        "cycle-sign",
        "explanation",
        "days are added for a cycle below 28 where the explanation says that they are subtracted, or the reverse",
        after=lambda r, v: _day(r) - 2 * (v["cycle"] - 28),
    ),
    Defect(
        15,
        "no-ascites",
        "formula",
        "ascites gives no points, not even the one for its absence",
        after=lambda r, v: _number(r) - 1 - v["ascites"],
    ),
    Defect(
        17,
        "no-cerebrovascular-disease",
        "entities",
        "the history of cerebrovascular disease that the row reports is not counted",
        before=_with(cerebrovascular_disease=0.0),
    ),
    Defect(
        21,
        "verbal-twice",
        "formula",
        "the verbal response is added twice",
        after=lambda r, v: _number(r) + v["verbal"],
    ),
    Defect(
        23,
        "whole-tens",
        "explanation",
        "MELD(i) is rounded to whole tens where the explanation says tenths",
        after=_meld_in_tens,
    ),
    Defect(
        27,
        "closed-hemoglobin",
        "formula",
        "hemoglobin of exactly 13 (men) or 12 g/dL (women) counts as below it",
        before=_closed_hemoglobin,
    ),
    Defect(
        28,
        "coma-added",
        "formula",
        "the coma score itself is added, not 15 less the score",
        before=lambda v: {**v, "coma": 15 - v["coma"]},
    ),
    Defect(
        28,
        "white-cells-by-m³",
        "conversion",
        "the count by µL is taken by m³, so that every count gets 4 points",
        before=_with(white_cells=1e12),
    ),
    Defect(
        28,
        "temperature-twice",
        "conversion",
        "°C (misspelt in the row) are taken for °F and converted, so that everyone freezes",
        before=lambda v: {**v, "temperature": (v["temperature"] - 32) * 5 / 9},
        always=False,
    ),
    Defect(28, "no-low-points", "formula", "values below normal get no points", before=_no_low_points),
    Defect(
        28,
        "no-creatinine",
        "formula",
        "creatinine gets no points without acute or chronic renal failure on record",
        before=lambda v: v if v["acute_failure"] > 0.5 else {**v, "creatinine": 1.0},
        always=False,
    ),
    Defect(
        28,
        "no-chronic-illness",
        "formula",
        "severe organ failure gets no points without surgery",
        before=_with(chronic=0.0),
    ),
    Defect(
        28,
        "no-age",
        "formula",
        "ages of exactly 45 and 75 get no points",
        before=lambda v: {**v, "age": 0.0} if v["age"] in (45, 75) else v,
    ),
    Defect(
        32,
        "diabetes-one",
        "formula",
        "diabetes on record gets one point: none of it, diet-controlled or end-organ damage alike",
        before=_with(diabetes=1),
        always=False,
    ),
    Defect(
        32,
        "liver-one",
        "formula",
        "liver disease gets one point, moderate and severe too",
        before=lambda v: {**v, "liver": min(v["liver"], 1)},
    ),
    Defect(
        32,
        "tumor-one",
        "formula",
        "a solid tumor gets one point, a metastatic one too",
        after=lambda r, v: _number(r) - (0, 1, 5)[v["tumor"]],
    ),
    Defect(
        36,
        "items-not-added",
        "explanation",
        "the items are named with their points but not added; only age, surgery and mobility are",
        before=_with(bmi=20.0, embolism=0.0, thrombosis=0.0, **{argument: 0.0 for _, argument, _ in FLAGS}),
    ),
    Defect(
        43,
        "oxygen-by-percent",
        "conversion",
        "arterial oxygen is divided by percent, so that every ratio is below 100",
        before=lambda v: {**v, "inspired": v["inspired"] * 100},
    ),
    Defect(
        43,
        "no-airway-pressure",
        "formula",
        "a ratio below 100 under continuous airway pressure alone gets no points",
        after=_airway_pressure_only,
    ),
    Defect(
        43,
        "dopamine-first",
        "formula",
        "any dopamine up to 5 µg/kg/min or dobutamine gives 2 points, whatever else is infused",
        before=_with(epinephrine=0.0, norepinephrine=0.0),
    ),
    Defect(
        43,
        "no-kidney",
        "formula",
        "the kidney gets no points where creatinine and urine are both on record",
        before=_with(creatinine=1.0, urine=1500.0),
    ),
    Defect(
        44,
        "rounded-amount",
        "conversion",
        "mmol/L become mg/dL by way of amounts rounded to three decimals, which leaves one digit",
        before=lambda v: {
            **v,
            **{name: _in_rounded_steps(v[name], units.CHOLESTEROL, 386.654) for name in LDL},
            "triglycerides": _in_rounded_steps(v["triglycerides"], units.TRIGLYCERIDES, 861.338),
        },
    ),
    Defect(
        46,
        "cholesterol-in-mmol",
        "explanation",
        "cholesterol goes in by mmol/L where formula and explanation say mg/dL",
        before=lambda v: {**v, **{name: v[name] * 10 / units.CHOLESTEROL.molar_mass for name in LDL}},
    ),
    Defect(
        46,
        "share-for-percent",
        "explanation",
        "the risk is a share, rounded to a tenth, that is called percent",
        after=lambda r, _: round(_number(r) / 100, 1),
    ),
    Defect(
        51,
        "heart-rate-always",
        "explanation",
        "the heart rate is counted as met although the explanation says that it is not",
        before=_with(heart_rate=100.0),
    ),
    Defect(
        51,
        "white-cells-by-m³",
        "conversion",
        "the count is converted to a count by m³, so that every count exceeds 12000",
        before=_with(white_cells=1e12),
        always=False,
    ),
)
