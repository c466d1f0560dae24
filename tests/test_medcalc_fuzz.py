"""Random rows: whatever stands in one, reading it gives finite values or one clear error, and runs nothing."""

from __future__ import annotations

import math
import random

import pytest
from slipstick import ArgumentError
from slipstick.datasets.medcalc.answers import truth
from slipstick.datasets.medcalc.fields import Choice, Female, Field, Flag, Quantity
from slipstick.datasets.medcalc.reader import read
from slipstick.datasets.medcalc.registry import CALCULATORS
from slipstick.datasets.medcalc.rows import Row

UNITS = ("mg/dL", "kg", "cm", "ft", "in", "years", "mm Hg", "%", "µL", "mEq/L", "degrees fahrenheit", "day", "pint", "")
TEXTS = (
    "Male",
    "female",
    "True",
    "01/31/2024",
    "31/01/2024",
    "02/30/2023",
    "00/00/0000",
    "elective",
    "PO",
    "\x00",
    "µ",
)
NUMBERS = (0, 1, -1, 2.5, -0.0, 1e-320, 1e300, 10**400, True, False)
CODE = (
    "__import__('os').abort()",
    "{'age': exit()}",
    "{'age': [1 + 2, 'years']}",
    "{'age': (lambda: [1, 'years'])()}",
    "{'age': [x for x in (1, 2)]}",
    "{**{'age': [1, 'years']}}",
    "{'age': f'{1}'}",
    "[" * 5000,
    "{'age': " + "-" * 5000 + "1}",
    "{'a': 1e999, 'age': [1e999, 'years']}",
    "{'age': [1, 'years'], 3: 4}",
    "{'age': \x00}",
    "",
)


def value(choose: random.Random, depth: int = 0) -> object:
    """Return anything that a literal can hold."""
    kind = choose.randrange(10)
    if kind < 4:
        return [choose.choice(NUMBERS), choose.choice(UNITS)]
    if kind == 4:
        return choose.choice(NUMBERS)
    if kind == 5:
        return choose.choice(TEXTS)
    if kind == 6 or depth > 2:
        return choose.choice((None, b"1", 1j, ..., (), set(), {}, []))
    parts = [value(choose, depth + 1) for _ in range(choose.randrange(5))]
    return tuple(parts) if kind == 7 else parts if kind == 8 else dict(enumerate(parts))


def plausible(choose: random.Random, field: Field) -> object:
    """Return what a field may read."""
    if isinstance(field, Flag):
        return choose.random() < 0.5
    if isinstance(field, Choice):
        return choose.choice(list(field.codes or {}))
    if isinstance(field, Female):
        return choose.choice(("Male", "Female"))
    if isinstance(field, Quantity):
        return [choose.choice((2, 40.5, 120)), field.unit]
    return choose.choice(("01/31/2024", 28, 3.5, [5, "mg"]))


def entities(choose: random.Random, number: int) -> str:
    """Return what may stand in a row: entities that the calculator knows with any values, at times a damaged text."""
    found = {}
    for field in CALCULATORS[number].fields:
        for name in field.entities:
            found[name] = value(choose) if choose.random() < 0.1 else plausible(choose, field)
    text = repr({name: given for name, given in found.items() if choose.random() < 0.95})
    if choose.random() < 0.2:
        place = choose.randrange(len(text) + 1)
        text = text[:place] + choose.choice(("", "'", "]", "(", "\\", "#", "\n", "1e", "()")) + text[place + 1 :]
    return text


def finite(found: object) -> bool:
    return all(map(finite, found)) if isinstance(found, tuple) else math.isfinite(found)


def check(row: Row) -> bool:
    """Read a row; return whether it can be read."""
    try:
        values = read(row).values
    except ArgumentError as error:
        text = str(error)
        assert text.startswith(f"row {row.number}: ") and "\n" not in text and len(text) < 500, text
        return False
    assert all(map(finite, values.values())), values
    calculator = CALCULATORS[row.calculator]
    calculator.module()(*calculator.tensors([tuple(values.values())]))
    return True


@pytest.mark.parametrize("seed", range(3))
def test_any_row_is_read_or_is_one_clear_error(seed):
    choose = random.Random(seed)
    read_rows = [
        check(Row(turn, number, "decimal", "", "", entities(choose, number), "1", "1", "1"))
        for turn in range(12)
        for number in CALCULATORS
    ]
    assert 0 < sum(read_rows) < len(read_rows)


@pytest.mark.parametrize("text", CODE)
def test_code_and_what_is_no_dictionary_are_refused(text):
    assert not check(Row(3, 9, "decimal", "", "", text, "1", "1", "1"))


def test_any_answer_is_understood_or_is_one_clear_error():
    choose = random.Random(4)
    for number in CALCULATORS:
        for text in ("", "nan", "1e999", "1_0", "('1 weeks', '2 days')", "(1, 2)", "13/13/2024", "9" * 500, *TEXTS):
            answer = choose.choice((text, text[::-1], text + "'"))
            try:
                truth(Row(5, number, "decimal", "", "", "{}", answer, answer, answer))
            except ArgumentError as error:
                assert str(error).startswith("row 5: ") and "\n" not in str(error)
