"""Operations of torch through `slipstick.compile`, from the tables of cases `operators_*.py`."""

from __future__ import annotations

import pytest
import torch
from operator_case import Case
from operator_run import SUBJECTS, Outcome, every_case, in_own_process, report, share, try_all

ONCE_WRONG = (
    "isnan-0-f32[3,5]0",  # of 1 / x, where x is 0
    "isfinite-1-f64[3,5]0",
    "pow-4-i64[3,5]",
    "square-6-i8[n,5]0",
    "max-11-u8[3,7]",
    "min-11-u8[3,7]",
    "mm-6-i16[3,5]-i16[5,4]",
    "mm-7-i8[3,5]-i8[5,4]",
    "bmm-6-i8[3,4,5]-i8[3,5,2]",
    "addmv-0-f32[3]-f32[3,5]-f32[5]",
    "while_loop-0-f32[3,5]",
)
"""Cases that were refused, stopped at run time, or ended the process."""
EVERY = 22
"""One case of so many is tried in the quick run."""


def test_a_sample_of_all_cases_is_right():
    found = try_all(every_case()[::EVERY])
    failing = {str(case): one for case, one in found.items() if one.kind not in ("right", "not lowered")}
    assert not failing
    right, lowered = share(found.values())
    assert right == lowered >= 0.9 * len(found)


def test_cases_that_were_once_wrong_are_right():
    cases = [case for case in every_case() if str(case) in ONCE_WRONG]
    assert len(cases) == len(ONCE_WRONG)
    assert set(try_all(cases).values()) == {Outcome("right")}


@pytest.mark.exhaustive
def test_all_cases_are_right_and_the_table_says_so(repository):
    found = try_all(every_case())
    right, lowered = share(found.values())
    assert len(found) >= 600 and right >= 0.99 * lowered
    assert not [str(case) for case, one in found.items() if one.kind == "crash"]
    assert (repository / "docs" / "operators.md").read_text("utf-8") == report(found)


def test_cases_are_of_different_names_and_inputs_of_what_they_say():
    cases = every_case()
    assert len({str(case) for case in cases}) == len(cases)
    case = Case("some", 0, torch.add, ("f16[n,5]+", "i64[3]<7", "bool[]", "f32[2,2]d"))
    x, i, b, d = case.arguments(4)
    assert (x.dtype, x.shape, case.dynamic_dims()) == (torch.float16, (4, 5), [(0,), (), (), ()])
    assert x.min() > 0 and i.min() >= 0 and i.max() < 7 and b.dtype == torch.bool and b.dim() == 0
    assert d.flatten().sort().values.tolist() == [-0.5, -0.25, 0.0, 0.25]
    assert all(torch.equal(one, other) for one, other in zip(case.arguments(), case.arguments(), strict=True))


def test_what_became_of_a_case_is_told():
    calls = []

    def differs(x):
        calls.append(x)
        return x + len(calls)

    assert in_own_process([Case("exp", 0, torch.exp, ("f32[3]",))]) == Outcome("right")
    assert in_own_process([Case("differs", 0, differs, ("f32[3]",))]).kind == "wrong"
    assert in_own_process([Case("svd", 0, torch.linalg.svd, ("f32[3,3]",))]).kind == "not lowered"
    lines = report({next(iter(table)): Outcome("crash", "why") for table in SUBJECTS.values()}).splitlines()
    assert any(line.endswith(": crash: why") for line in lines)
