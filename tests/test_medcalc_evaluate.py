"""Judging results by the data set's rules, defects of labels, and arithmetics; on rows made up here."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from medcalc_cases import CASES, patient
from slipstick import ArgumentError, LMul, lmul
from slipstick.datasets.medcalc.answers import Truth, truth
from slipstick.datasets.medcalc.arithmetic import Compiled, RoundedOperands, Torch, through_float8
from slipstick.datasets.medcalc.defects import explain
from slipstick.datasets.medcalc.defects_seen import DEFECTS
from slipstick.datasets.medcalc.evaluate import evaluate, prepare
from slipstick.datasets.medcalc.fields_dates import day_number
from slipstick.datasets.medcalc.registry import CALCULATORS, calculator
from slipstick.datasets.medcalc.rows import Row
from slipstick.datasets.medcalc.survival import compare, multiplies
from slipstick.datasets.medcalc.whole_numbers import whole_numbers, with_mantissa_bits

SODIUM = "{'Sodium': [140, 'mEq/L'], 'Glucose': [200, 'mg/dL']}"
DUE = "{'Last menstrual date': '01/01/2024', 'cycle length': 30}"
AGE = "{'Last menstrual date': '01/01/2024', 'Current Date': '01/10/2024'}"
FEVER = "{'Fever in past 24 hours': True}"


def row(number: int, calculator: int, entities: str, answer: str, lower: str = "", upper: str = "") -> Row:
    return Row(number, calculator, "", "", "", entities, answer, lower or answer, upper or answer)


ROWS = [
    row(1, 26, SODIUM, "142.4", "135.28", "149.52"),
    row(2, 26, SODIUM, "160", "152", "168"),
    row(3, 13, DUE, "10/09/2024"),
    row(4, 13, DUE, "10/05/2024"),
    row(5, 69, AGE, "('1 weeks', '2 days')"),
    row(6, 33, FEVER, "1"),
    row(7, 33, FEVER, "2"),
    row(8, 26, SODIUM.replace("mg/dL", "mg/pint"), "142.4"),
    row(9, 12, "{}", "1"),
    row(10, 26, SODIUM, "many"),
]


def test_every_row_gets_a_verdict_by_the_rules():
    found = evaluate(ROWS)
    assert [verdict.row for verdict in found.verdicts] == list(range(1, 11))
    assert [verdict.row for verdict in found.verdicts if verdict.agrees] == [1, 3, 5, 6]
    assert found.agreeing == 4
    errors = [verdict.error for verdict in found.verdicts if verdict.error]
    assert errors[0].startswith("row 8: Glucose: unknown unit 'mg/pint'")
    assert errors[1].startswith("row 9: calculator: expected one of")
    assert errors[2] == "row 10: Ground Truth Answer: expected a number, found 'many'"


def test_labels_that_defects_account_for_are_explained_and_others_are_not():
    verdicts = {verdict.row: verdict for verdict in evaluate(ROWS).verdicts}
    assert [defect.name for defect in verdicts[4].defects] == ["cycle-sign"]
    assert verdicts[4].explained
    assert not verdicts[2].explained
    assert not verdicts[7].explained


def test_verdicts_as_json():
    found = json.loads(json.dumps(evaluate(ROWS).as_json()))
    assert (found["rows"], found["agree"], found["explained"]) == (10, 4, 5)
    assert {"calculator": 13, "name": "Due date", "rows": 2, "agree": 1} in found["calculators"]
    (due,) = [one for one in found["disagreements"] if one["row"] == 4]
    assert (due["result"], due["label"]) == (day_number("10/09/2024"), day_number("10/05/2024"))
    assert due["categories"] == ["explanation"]
    assert evaluate([]).as_json()["rows"] == 0


@pytest.mark.parametrize(
    ("label", "result", "admitted"),
    [
        (row(1, 26, "", "100", "95", "105"), 95.0, True),
        (row(1, 26, "", "100", "95", "105"), 94.99, False),
        (row(1, 26, "", "100", "95", "105"), float("nan"), False),
        (row(1, 63, "", "-6", "-5.7", "-6.3"), -5.8, True),
        (row(1, 33, "", "2"), 2.0, True),
        (row(1, 33, "", "2", "1", "3"), 3.0, False),
        (row(1, 13, "", "1/5/2024"), day_number("01/05/2024"), True),
        (row(1, 69, "", "('1 week', '0 days')"), (1, 0), True),
        (row(1, 69, "", "('1 week', '0 days')"), (0, 7), False),
    ],
)
def test_what_counts_as_right(label, result, admitted):
    assert truth(label).admits(result) is admitted


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (row(4, 26, "", "1", "x"), "row 4: Lower Limit: expected a number, found 'x'"),
        (row(4, 26, "", "1", "0", "nan"), "row 4: Upper Limit: expected a finite number, found 'nan'"),
        (row(4, 13, "", "soon"), "row 4: Ground Truth Answer: expected a date as mm/dd/yyyy, found 'soon'"),
        (row(4, 69, "", "exit()"), "row 4: Ground Truth Answer: expected a literal such as"),
        (row(4, 69, "", "('3 months', '2 days')"), "row 4: Ground Truth Answer: expected a literal such as"),
    ],
)
def test_a_malformed_label_names_row_and_column(label, text):
    with pytest.raises(ArgumentError) as caught:
        truth(label)
    assert str(caught.value).startswith(text)


def test_defects_must_account_for_a_label_to_the_point():
    found = calculator(15)
    values = dict(zip((f.argument for f in found.fields), (1.0, 4.0, 1.0, 1, 0), strict=True))
    # The formula gives 6: one point each, two for slight ascites.
    assert [d.name for d in explain(found, values, Truth(4.0, 4.0, 4.0), DEFECTS) or ()] == ["no-ascites"]
    assert explain(found, values, Truth(5.0, 5.0, 5.0), DEFECTS) is None


def test_defects_of_the_same_calculator_add_up():
    found = calculator(28)
    case = patient(28, {"acute_failure": 1, "creatinine": 2.5})
    values = dict(zip((f.argument for f in found.fields), case, strict=True))
    # 6 points by the formula; 15 of the coma score and 4 of white cells by m³ make 25.
    chosen = explain(found, values, Truth(25.0, 25.0, 25.0), DEFECTS) or ()
    assert [defect.name for defect in chosen] == ["coma-added", "white-cells-by-m³"]


def test_every_defect_has_a_name_of_its_own_and_a_calculator():
    names = [(defect.calculator, defect.name) for defect in DEFECTS]
    assert len(set(names)) == len(names)
    assert {number for number, _ in names} <= set(CALCULATORS)


def test_compiled_code_equals_torch_for_all_calculators():
    calculators = list(CALCULATORS.values())
    inputs = []
    for place, one in enumerate(calculators):
        cases = [given for found, given, _ in CASES if found == one.number]
        # Batches of several sizes: what fills them up must not be seen.
        inputs.append(one.tensors([patient(one.number, cases[i % len(cases)]) for i in range(1 + place % 32)]))
    got = Compiled().run(calculators, inputs)
    for one, wanted, result in zip(calculators, Torch().run(calculators, inputs), got, strict=True):
        exact = one.answer != "decimal"
        # The risk is an exponential of a difference of terms a hundred times as large.
        tolerance = 0.0 if exact else 1e-4 if one.number == 46 else 3e-6
        torch.testing.assert_close(result, wanted, rtol=tolerance, atol=0.0 if exact else 1e-5, msg=one.name)


@pytest.fixture(scope="module")
def few():
    """Return rows of a calculator that multiplies once and of three that do not."""
    return prepare([ROWS[0], ROWS[2], ROWS[4], ROWS[5]])


def test_compiled_l_mul_is_the_reference_of_l_mul(few):
    found = evaluate(few, Compiled(LMul(mantissa_bits=4)), known=())
    (sodium,) = [verdict.result for verdict in found.verdicts if verdict.calculator == 26]
    product = lmul(torch.tensor(0.024), torch.tensor(100.0), 4)
    assert sodium == pytest.approx((140 + product).item(), rel=1e-6)
    assert sodium != pytest.approx(142.4, rel=1e-6)


def test_what_does_not_multiply_survives(few):
    found = compare(few, [Torch(), replace(Compiled(), lmul=LMul(mantissa_bits=3)), RoundedOperands("e5m2")])
    assert found.names == ("torch", "L-Mul k=3", "fp8 e5m2")
    by_number = {one.calculator.number: one for one in found.survivals}
    assert {number: one.multiplies for number, one in by_number.items()} == {13: 0, 26: 1, 33: 0, 69: 0}
    for number in (13, 33, 69):
        assert by_number[number].near == by_number[number].right == (1, 1, 1)
    assert by_number[26].near == (1, 1, 1)
    assert "integers" in by_number[13].reason
    assert "added" in by_number[33].reason
    assert "multiplies 1 times" in by_number[26].reason
    assert (found.rows_near(), found.rows_right()) == ((4, 4, 4), (4, 4, 4))
    assert found.as_json()["calculators_surviving"] == [4, 4, 4]


def test_numbers_in_few_bits_cross_limits_that_no_multiply_reaches():
    """Held in 3 bits, 17 becomes 16 and 21 becomes 20, the limit; the neighbours of day 738,900 are 2^16 away."""
    text = "{'respiratory rate': [%d, 'breaths per minute'], 'Heart Rate or Pulse': [80, 'beats per minute'], "
    text += "'Temperature': [37, 'degrees celsius'], 'White blood cell count': [8000.0, 'µL']}"
    scores = [row(number, 51, text % rate, "0") for number, rate in enumerate((17, 21, 40), 1)]
    dates, sirs = whole_numbers(prepare([*scores, row(9, 68, DUE, "01/15/2024")]), (3, 23))[::-1]
    assert (sirs.rows, dates.rows) == (3, 1)
    assert [held.changed for held in sirs.held] == [1, 0]
    assert [held.crossed for held in sirs.held] == [1, 0]
    assert dates.bits == 19 and dates.comparisons == 0
    assert [(held.changed, held.spacing) for held in dates.held] == [(1, 2.0**16), (0, 2.0**-4)]


@pytest.mark.parametrize(
    ("value", "bits", "held"), [(17, 3, 16), (19, 3, 20), (-5, 1, -4), (0, 2, 0), (738886, 19, 738886)]
)
def test_rounding_to_mantissa_bits_keeps_the_dtype(value, bits, held):
    for dtype in (torch.int64, torch.float32):
        found = with_mantissa_bits(torch.tensor([value], dtype=dtype), bits)
        assert found.dtype == dtype and found.item() == held


def test_an_arithmetic_is_judged_around_the_formula_whatever_the_label():
    label = row(1, 31, "{'Insulin': [13, 'µIU/mL'], 'Glucose': [105, 'mg/dL']}", "99")
    found = compare(prepare([label]), [Torch(), RoundedOperands("e5m2")])
    # 13 becomes 12 and 105 becomes 112 in e5m2: 1.5 % off, within 5 %.
    assert (found.rows_near(), found.rows_right()) == ((1, 1), (0, 0))
    label = replace(label, entities=label.entities.replace("105", "100"))
    # 12 * 96 is 11.4 % off.
    found = compare(prepare([label]), [Torch(), RoundedOperands("e5m2")])
    assert found.rows_near() == (1, 0)
    assert found.calculators_surviving() == (1, 0)


def test_scores_and_dates_multiply_nothing():
    for one in CALCULATORS.values():
        if one.answer != "decimal":
            assert multiplies(one) == 0, one.name
    assert multiplies(calculator(31)) == 1
    assert multiplies(calculator(49)) == 24


@pytest.mark.parametrize(("format", "bits"), [("e4m3", 3), ("e5m2", 2)])
def test_fp8_keeps_the_mantissa_of_a_lone_value(format, bits):
    x = torch.tensor([3.7e5])
    kept = through_float8(x, format).item()
    assert kept != x.item()
    assert abs(kept / x.item() - 1) <= 2.0 ** -(bits + 1)
    assert kept == torch.tensor(kept).to(torch.bfloat16).item()


def test_fp8_loses_small_values_beside_large_ones_and_keeps_zeros():
    assert through_float8(torch.tensor([1.0, 1e-9]), "e4m3").tolist() == [1.0, 0.0]
    assert through_float8(torch.zeros(2), "e5m2").tolist() == [0.0, 0.0]


def test_fp8_rounds_the_operands_of_multiplies_only():
    found = calculator(26)
    (result,) = RoundedOperands("e4m3").run([found], [found.tensors([[141.0, 213.0]])])
    # 0.024 becomes 0.0234375 (1.5 / 64), 113 becomes 112; 141 is not a factor.
    assert result.item() == pytest.approx(141 + 0.0234375 * 112, rel=1e-6)
