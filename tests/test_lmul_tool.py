"""`slipstick-lmul errors`: the error table of L-Mul's specification, to the printed digits."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from slipstick.tools import lmul

SPECIFICATION = """
| 2 | -3.32 % / 8.28 % | -23.07 .. +25.00 % | +14.97 % / 17.47 % |
| 3 | -3.32 % / 5.65 % | -17.12 .. +12.50 % | +5.42 % / 7.36 % |
| 4 | +0.95 % / 3.71 % | -10.18 .. +12.50 % | +5.42 % / 6.59 % |
| 5 | -1.21 % / 3.37 % | -10.18 .. +6.25 % | +0.95 % / 3.35 % |
| 6 | -0.14 % / 3.08 % | -8.27 .. +6.25 % | +0.95 % / 3.25 % |
| 7 | +0.41 % / 3.10 % | -7.29 .. +6.25 % | +0.41 % / 3.10 % |
| 23 | +0.41 % / 3.09 % | -7.29 .. +6.25 % | +0.41 % / 3.09 % |
"""
"""The project's specification of L-Mul: its second column, called rne there, has ties rounded up."""

EXPECTED = [re.findall(r"[-+\d.]*\d", line) for line in SPECIFICATION.strip().splitlines()]

NEAREST_EVEN = {2: (14.35, 16.93), 3: (4.86, 6.95), 4: (4.85, 6.13), 5: (0.41, 3.24), 6: (0.41, 3.15), 7: (0.41, 3.10)}
"""Mean and rms over all pairs of bfloat16 mantissas, with ties to even."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as out:
        assert lmul.main(["errors", "--json"]) == 0
    found = json.loads(out.getvalue())
    assert found["command"] == "slipstick-lmul errors --json" and found["unit"] == "percent"
    return list(found["rows"])


def select(rows: list[dict[str, Any]], **wanted: object) -> list[dict[str, Any]]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_table_of_the_specification(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert lmul.main(["errors"]) == 0
    lines = [re.findall(r"[-+\d.]*\d", line) for line in capsys.readouterr().out.splitlines()]
    tables = [line for line in lines if len(line) == 9]
    found = [line[:5] + line[7:] for line in tables[: len(EXPECTED)]]
    assert found == EXPECTED


def test_sample_and_all_pairs_agree(rows: list[dict[str, Any]]) -> None:
    """The specification's figures are of a sample: all pairs give the same to a hundredth of a percent."""
    paper = select(rows, offset="paper")
    sampled, every = ([row for row in paper if row["pairs"] == name] for name in ("sampled", "all"))
    assert len(sampled) == len(every) == 21
    for one, other in zip(sampled, every, strict=True):
        assert one["error"] == pytest.approx(other["error"], abs=0.0101)


def test_ties_to_even(rows: list[dict[str, Any]]) -> None:
    for k, expected in NEAREST_EVEN.items():
        (row,) = select(rows, offset="paper", pairs="all", mantissa_bits=k, rounding="rne")
        assert (row["error"]["mean"], row["error"]["rms"]) == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize("rounding", ["truncate", "rne"])
def test_derived_offsets_do_what_they_are_for(rows: list[dict[str, Any]], rounding: str) -> None:
    for k in (2, 3, 4, 5, 6, 7, 23):
        error, offset = {}, {}
        for name in ("paper", "unbiased", "min-rms"):
            (row,) = select(rows, offset=name, pairs="all", mantissa_bits=k, rounding=rounding)
            error[name], offset[name] = row["error"], row["constant"]
        # Half a last place of bfloat16 moves the mean by less than 0.3 %.
        assert abs(error["unbiased"]["mean"]) < (0.3 if k <= 7 else 0.002)
        assert error["min-rms"]["rms"] <= min(error["paper"]["rms"], error["unbiased"]["rms"]) + 1e-9
        assert offset["paper"] == 2.0 ** -min(k, 3 if k <= 4 else 4)


def test_a_subcommand_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        lmul.main([])
    assert status.value.code == 2
    assert "the following arguments are required: COMMAND" in capsys.readouterr().err


def test_help_lists_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        lmul.main(["--help"])
    assert status.value.code == 0
    shown = capsys.readouterr().out
    for subcommand in lmul.SUBCOMMANDS:
        assert f"\n    {subcommand.NAME} " in shown
    assert "errors" in {subcommand.NAME for subcommand in lmul.SUBCOMMANDS}
