"""Reading a row's entities: what is understood, the documented defaults, and one clear error for each bad row."""

from __future__ import annotations

import pytest
from slipstick import ArgumentError, SlipstickError
from slipstick.datasets.medcalc.reader import parse_entities, read
from slipstick.datasets.medcalc.rows import Row


def row(calculator: int, entities: object, number: int = 7) -> Row:
    text = entities if isinstance(entities, str) else repr(entities)
    return Row(number, calculator, "decimal", "", "", text, "1", "1", "1")


PRESSURES = {"Systolic Blood Pressure": [120, "mm hg"], "Diastolic Blood Pressure": [80.0, "mmHg"]}


def test_values_come_by_argument_in_order():
    assert list(read(row(5, dict(reversed(PRESSURES.items())))).values.items()) == [
        ("systolic", 120.0),
        ("diastolic", 80.0),
    ]


def test_entities_of_other_calculators_are_reported_unread():
    patient = read(row(5, {**PRESSURES, "Hair colour": "grey"}))
    assert patient.unread == ("Hair colour",)


def test_what_is_not_mentioned_is_absent():
    values = read(row(33, {"Fever in past 24 hours": True})).values
    assert values == {"fever": 1.0, "purulence": 0.0, "rapid": 0.0, "inflamed": 0.0, "no_cough": 0.0}


def test_what_is_said_to_be_not_mentioned_is_missing():
    assert read(row(33, {"Fever in past 24 hours": "Not mentinoed"})).values["fever"] == 0.0


def test_names_are_read_in_upper_and_lower_case():
    patient = read(row(5, {name.upper(): value for name, value in PRESSURES.items()}))
    assert patient.values == {"systolic": 120.0, "diastolic": 80.0}
    assert patient.unread == ()


def test_a_criterion_asked_twice_is_met_where_one_answer_says_so():
    entities = {
        "Pre-operative creatinine": [1.0, "mg/dL"],
        "History of cerebrovascular disease": True,
        "Cerebrovascular disease history": False,
    }
    assert read(row(17, entities)).values["cerebrovascular_disease"] == 1.0


def test_heights_in_feet_and_inches():
    values = read(row(6, {"weight": [70, "kg"], "height": [5, "ft", 11, "in"]})).values
    assert values["height"] == pytest.approx(180.34)


def test_doses_and_a_patch_whose_rate_is_called_mg():
    entities = {
        "FentANYL patch Dose": [25, "mg"],
        "FentANYL patch Dose Per Day": [1, "per day"],
        "Morphine Dose": [0.03, "g"],
        "Morphine Dose Per Day": [2, "per day"],
    }
    values = read(row(49, entities)).values
    assert values["doses"] == pytest.approx((0, 0, 25, 0, 0, 0, 30, 0, 0, 0, 0, 0))
    assert values["times"] == (0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0)


def test_steroids_by_name():
    values = read(row(24, {"input steroid": ["PredniSONE PO", 0.01, "g"], "target steroid": "Cortisone PO"})).values
    assert values == {"drug": 9, "mass": 10.0, "target": 1}


def test_dates_are_day_numbers():
    values = read(row(13, {"Last menstrual date": "01/02/0001", "cycle length": 28})).values
    assert values == {"last_period": 2, "cycle": 28}


SODIUM = {"Sodium": [140, "mEq/L"], "Glucose": [100, "mg/dL"]}
DATES = {"Last menstrual date": "01/31/2024", "cycle length": 28}
MME = {"Morphine Dose": [10, "mg"], "Morphine Dose Per Day": [1, "per day"]}
APACHE = {
    "age": [50, "years"],
    "Temperature": [37, "degrees celsius"],
    "Systolic Blood Pressure": [120, "mm Hg"],
    "Diastolic Blood Pressure": [80, "mm Hg"],
    "Heart Rate or Pulse": [80, "bpm"],
    "respiratory rate": [15, "breaths per minute"],
    "FiO₂": [60, "%"],
}
BAD = [
    # An unknown unit.
    (
        26,
        {**SODIUM, "Glucose": [100, "mg/pint"]},
        "row 7: Glucose: unknown unit 'mg/pint'; expected one of mg/dL, mmol/L",
    ),
    (6, {"weight": [70, "stone"], "height": [170, "cm"]}, "row 7: weight: unknown unit 'stone'"),
    # A missing entity.
    (26, {"Sodium": [140, "mEq/L"]}, "row 7: Glucose: missing, and it has no default"),
    (28, APACHE, "row 7: A-a gradient: missing, and it has no default"),
    (28, {**APACHE, "FiO₂": [30, "%"]}, "row 7: Partial pressure of oxygen (PaO₂) for Apache II: missing"),
    (49, {}, "row 7: Codeine Dose and 11 others: all missing, expected one"),
    (49, {"Morphine Dose": [10, "mg"]}, "row 7: Morphine Dose Per Day: missing beside Morphine Dose"),
    (49, {"Morphine Dose Per Day": [1, "per day"]}, "row 7: Morphine Dose: missing beside Morphine Dose Per Day"),
    (26, {**SODIUM, "Glucose": "Not mentioned"}, "row 7: Glucose: missing, and it has no default"),
    # A malformed literal, or one with code.
    (26, "{'Sodium': [140, 'mEq/L'", "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "__import__('os').system('true')", "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "{'Sodium': [exit(), 'mEq/L']}", "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "{'a': 1 for _ in ''}", "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "(" * 100_000, "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "", "row 7: Relevant Entities: expected a Python literal without code, found ''"),
    (26, "{'Sodium': [1, 'mEq/L'], []: 1}", "row 7: Relevant Entities: expected a Python literal without code, found "),
    (26, "[1, 2]", "row 7: Relevant Entities: expected a dictionary with texts as keys, found '[1, 2]'"),
    (26, {1: 2}, "row 7: Relevant Entities: expected a dictionary with texts as keys, found '{1: 2}'"),
    # A wrong type.
    (26, {**SODIUM, "Sodium": 140}, "row 7: Sodium: expected [number, unit], found 140"),
    (26, {**SODIUM, "Sodium": ["140", "mEq/L"]}, "row 7: Sodium: expected a finite number, found '140'"),
    (26, {**SODIUM, "Sodium": [True, "mEq/L"]}, "row 7: Sodium: expected a finite number, found True"),
    (26, {**SODIUM, "Sodium": [140, 1]}, "row 7: Sodium: expected a unit in text behind each number, found 1"),
    (26, "{'Sodium': [1e999, 'mEq/L']}", "row 7: Sodium: expected a finite number, found inf"),
    (10, {"sex": "X", "height": [170, "cm"]}, "row 7: sex: expected 'Male' or 'Female', found 'X'"),
    (10, {"sex": 1, "height": [170, "cm"]}, "row 7: sex: expected 'Male' or 'Female', found 1"),
    (33, {"Fever in past 24 hours": "yes"}, "row 7: Fever in past 24 hours: expected True or False, found 'yes'"),
    (33, {"Fever in past 24 hours": 1}, "row 7: Fever in past 24 hours: expected True or False, found 1"),
    (32, {"age": [50, "years"], "Solid tumor": "huge"}, "row 7: Solid tumor: expected one of 'none', 'localized', "),
    (32, {"age": [50, "years"], "Solid tumor": 1}, "row 7: Solid tumor: expected one of 'none', 'localized', "),
    (13, {**DATES, "Last menstrual date": "2024-01-31"}, "row 7: Last menstrual date: expected a date as mm/dd/yyyy"),
    (13, {**DATES, "Last menstrual date": "02/30/2024"}, "row 7: Last menstrual date: expected a date as mm/dd/yyyy"),
    (
        13,
        {**DATES, "cycle length": 28.5},
        "row 7: cycle length: expected a whole number of days up to 10000, found",
    ),
    (
        24,
        {"input steroid": ["Aspirin", 1, "mg"], "target steroid": "Cortisone PO"},
        "row 7: input steroid: expected one",
    ),
    (24, {"input steroid": "Cortisone PO", "target steroid": "Cortisone PO"}, "row 7: input steroid: expected [drug"),
    (49, {**MME, "Morphine Dose": 10}, "row 7: Morphine Dose: expected [number, unit], found 10"),
    (49, {**MME, "Morphine Dose Per Day": [1, "per week"]}, "row 7: Morphine Dose Per Day: unknown unit 'per week'"),
    # One entity twice.
    (26, {**SODIUM, "sodium": [141, "mEq/L"]}, "row 7: Sodium: expected once, found again as 'sodium'"),
    # A calculator that is none.
    (12, {}, "row 7: calculator: expected one of 2, 3, "),
]


@pytest.mark.parametrize(("calculator", "entities", "text"), BAD)
def test_a_bad_row_gives_one_error_that_names_row_and_field(calculator, entities, text):
    with pytest.raises(ArgumentError) as caught:
        read(row(calculator, entities))
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_code_in_a_literal_is_not_run(tmp_path):
    target = tmp_path / "made"
    with pytest.raises(SlipstickError, match="without code"):
        parse_entities(f"{{'a': open({str(target)!r}, 'w')}}")
    assert not target.exists()


def test_only_the_oxygenation_that_is_used_must_be_there():
    others = {
        "pH": 7.4,
        "Sodium": [140, "mEq/L"],
        "Potassium": [4, "mmol/L"],
        "creatinine": [88.4, "µmol/L"],
        "Hematocrit": [40, "%"],
        "White blood cell count": [8000, "µL"],
        "Glasgow Coma Score": 15,
    }
    assert read(row(28, {**APACHE, **others, "A-a gradient": 210})).values["gradient"] == 210.0
