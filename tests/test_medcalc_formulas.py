"""The 55 calculators against results computed by hand from the published formulas; every branch and its boundary."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict

import pytest
import torch
from medcalc_cases import CASES, patient
from slipstick import ArgumentError
from slipstick.datasets.graphs import graph
from slipstick.datasets.medcalc.answers import results
from slipstick.datasets.medcalc.fields import Choice
from slipstick.datasets.medcalc.registry import CALCULATORS, calculator

NUMBERS = [*range(2, 12), 13, *range(15, 34), 36, 38, 39, 40, *range(43, 47), 48, 49, 51, *range(56, 70)]


def by_calculator():
    found = defaultdict(list)
    for number, given, expected in CASES:
        found[number].append((given, expected))
    return sorted(found.items())


def test_all_55_are_there():
    assert list(CALCULATORS) == NUMBERS
    assert len(NUMBERS) == 55


@pytest.mark.parametrize(
    ("number", "cases"), by_calculator(), ids=lambda value: value if isinstance(value, int) else ""
)
def test_results_are_those_of_the_formula(number, cases):
    found = calculator(number)
    output = found.module()(*found.tensors([patient(number, given) for given, _ in cases]))
    got = results(output, found.answer)
    for (given, expected), result in zip(cases, got, strict=True):
        tolerance = 2e-4 if number == 46 else 2e-6
        wanted = expected if isinstance(expected, tuple) else pytest.approx(expected, rel=tolerance, abs=1e-4)
        if found.answer in ("integer", "date"):
            wanted = expected
        assert result == wanted, (given, result)


def test_every_calculator_has_cases():
    assert [number for number, _ in by_calculator()] == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_modules_take_what_the_fields_name_and_cite_their_source(number):
    found = calculator(number)
    parameters = list(inspect.signature(found.module.forward).parameters.values())[1:]
    names = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_POSITIONAL]
    assert [field.argument for field in found.fields][: len(names)] == names
    assert len(names) == len(found.fields) or number == 36
    assert found.formula
    assert re.search(r"(19|20)\d\d", found.source) or number == 13


@pytest.mark.parametrize("number", NUMBERS)
def test_results_have_their_type_and_batch(number):
    found = calculator(number)
    cases = dict(by_calculator())[number]
    output = found.module()(*found.tensors([patient(number, cases[0][0])] * 3))
    whole = found.answer in ("date", "weeks and days")
    assert output.dtype == (torch.int64 if whole else torch.float32)
    assert output.shape == ((3, 2) if found.answer == "weeks and days" else (3,))


def test_an_untestable_eye_counts_in_full():
    eye, verbal, _ = calculator(21).fields
    assert isinstance(eye, Choice)
    assert eye.parse("Not testable") == 4
    assert verbal.parse("not testable") == 5


def test_an_unknown_id_names_those_there_are():
    with pytest.raises(ArgumentError, match=r"calculator: expected one of 2, 3, .*, 69, found 12"):
        calculator(12)


def test_a_batch_needs_rows_of_the_right_length():
    with pytest.raises(ArgumentError, match="each with 2 values"):
        calculator(5).tensors([])
    with pytest.raises(ArgumentError, match="each with 2 values"):
        calculator(5).tensors([(1.0,)])


def test_framinghams_risk_is_moved_by_rounding_alone():
    """Its logarithms cancel: torch's own f32 is outside of the tolerance, so that `check` has to ask float64."""
    item = graph("medcalc-framingham-risk").at(batch=200_000)
    module, inputs = item.build()
    rounded = module(*inputs)
    exact = module.double()(*(column.double() for column in inputs))
    error = float((rounded - exact).abs().max() / exact.abs().max())
    assert item.tolerance < error < 10 * item.tolerance
