"""Units: every one of the data set, conversions against figures of laboratories, and what is refused."""

from __future__ import annotations

import pytest
from slipstick import ArgumentError
from slipstick.datasets.medcalc import units
from slipstick.datasets.medcalc.units import convert, convert_sum

CONVERSIONS = [
    # Factors that laboratories publish, for 1 mg/dL: 88.4 µmol/L, 17.1 µmol/L, 0.0555, 0.357, 0.02586 mmol/L and so on.
    (88.4, "µmol/L", "mg/dL", units.CREATININE, 1.0),
    (17.1, "µmol/L", "mg/dL", units.BILIRUBIN, 1.0),
    (5.55, "mmol/L", "mg/dL", units.GLUCOSE, 100.0),
    (0.357, "mmol/L", "mg/dL", units.UREA_NITROGEN, 1.0),
    (2.586, "mmol/L", "mg/dL", units.CHOLESTEROL, 100.0),
    (1.129, "mmol/L", "mg/dL", units.TRIGLYCERIDES, 100.0),
    (2.495, "mmol/L", "mg/dL", units.CALCIUM, 10.0),
    (5.0, "mEq/L", "mg/dL", units.CALCIUM, 10.02),
    (140.0, "mmol/L", "mEq/L", units.SODIUM, 140.0),
    (229.9, "mg/dL", "mEq/L", units.SODIUM, 100.0),
    (4.0, "mEq/L", "mEq/L", units.POTASSIUM, 4.0),
    (35.0, "g/L", "g/dL", units.ALBUMIN, 3.5),
    (3500.0, "mg/dL", "g/dL", units.ALBUMIN, 3.5),
    (601.5, "µmol/L", "g/dL", units.ALBUMIN, 4.0),
    (140.0, "g/L", "g/dL", None, 14.0),
    (37.0, "degrees celsius", "degrees Celsius", None, 37.0),
    (37.0, "degrees celsisus", "degrees Celsius", None, 37.0),
    (100.4, "degrees fahreinheit", "degrees Celsius", None, 38.0),
    (95.0, "degrees fahrenheit", "degrees Celsius", None, 35.0),
    (18.0, "months", "years", None, 1.5),
    (71.0, "in", "cm", None, 180.34),
    (1.8, "m", "cm", None, 180.0),
    (6.0, "ft", "cm", None, 182.88),
    (2180.0, "g", "kg", None, 2.18),
    (100.0, "lbs", "kg", None, 45.359237),
    (120.0, "mmhg", "mm Hg", None, 120.0),
    (8.0, "kPa", "mm Hg", None, 60.005),
    (72.0, "bpm", "beats per minute", None, 72.0),
    (250000.0, "µL", "µL", None, 250000.0),
    (2.5e11, "L", "µL", None, 250000.0),
    (250000.0, "mm^3", "µL", None, 250000.0),
    (6370.0, "m^3", "µL", None, 6370.0),
    (40.0, "U/L", "U/L", None, 40.0),
    (10.0, "mIU/L", "µIU/mL", None, 10.0),
    (22.0, "kg/m^2", "kg/m^2", None, 22.0),
    (0.5, "µg/kg/min", "mcg/kg/min", None, 0.5),
    (1.5, "L/day", "mL/day", None, 1500.0),
    (0.4, "sec", "msec", None, 400.0),
    (500.0, "μg", "mg", None, 0.5),
]


@pytest.mark.parametrize(("value", "unit", "target", "substance", "expected"), CONVERSIONS)
def test_conversions(value, unit, target, substance, expected):
    assert convert(value, unit, target, substance) == pytest.approx(expected, rel=1e-3)


def test_a_temperature_at_a_limit_stays_at_it_in_f32():
    import torch

    assert torch.tensor(convert(100.4, "degrees fahrenheit", "degrees Celsius"), dtype=torch.float32) == 38


def test_sums():
    assert convert_sum([5, "ft", 11, "in"], "cm") == pytest.approx(180.34)
    assert convert_sum((1, "years", 6, "months"), "years") == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("unit", "target", "substance", "text"),
    [
        ("furlong", "cm", None, "unknown unit 'furlong'; expected one of m, cm, mm, in, ft"),
        ("kg", "cm", None, "unknown unit 'kg'"),
        ("degrees", "degrees Celsius", None, "unknown unit 'degrees'"),
        ("mol", "mg/dL", units.GLUCOSE, "unknown unit 'mol'; expected one of mg/dL, mmol/L"),
        ("mg/foo", "mg/dL", units.GLUCOSE, "unknown unit 'mg/foo'"),
        ("mEq/L", "mg/dL", units.GLUCOSE, "unknown unit 'mEq/L'"),
        ("mmol/L", "g/dL", None, "unknown unit 'mmol/L'"),
        ("g/L", "U/L", None, "unknown unit 'g/L'"),
        ("cm", "parsec", None, "target: expected a known unit, found 'parsec'"),
    ],
)
def test_unknown_units_name_those_that_fit(unit, target, substance, text):
    with pytest.raises(ArgumentError) as caught:
        convert(1.0, unit, target, substance)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    "parts", [[], [1], [1, "cm", 2], [1, 2], ["1", "cm"], [True, "cm"], [float("nan"), "cm"], [float("inf"), "cm"]]
)
def test_malformed_quantities_are_refused(parts):
    with pytest.raises(ArgumentError):
        convert_sum(parts, "cm")
