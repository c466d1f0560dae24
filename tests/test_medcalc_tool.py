"""`slipstick-medcalc`: what it lists, judges and draws, and its errors; on rows made up here."""

from __future__ import annotations

import json

import pytest
from slipstick.datasets.medcalc.recorded import recorded
from slipstick.tools import medcalc
from test_medcalc_rows import PRESSURE, as_csv

WRONG = {**PRESSURE, "Row Number": "4", "Ground Truth Answer": "90", "Lower Limit": "85.5", "Upper Limit": "94.5"}
UNREAD = {**PRESSURE, "Row Number": "5", "Relevant Entities": "exit()"}


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(as_csv(PRESSURE, WRONG, UNREAD), newline="")
    return path


def test_list_as_json_has_all_calculators_with_inputs_and_sources(capsys):
    assert medcalc.main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 55
    assert all(one["source"] and one["formula"] and one["inputs"] for one in found)
    (pressure,) = [one for one in found if one["calculator"] == 5]
    assert pressure["unit"] == "mm Hg"
    assert [field["entities"][0] for field in pressure["inputs"]] == [
        "Systolic Blood Pressure",
        "Diastolic Blood Pressure",
    ]


def test_list_as_a_table(capsys):
    assert medcalc.main(["list"]) == 0
    assert "APACHE II" in capsys.readouterr().out


def test_evaluate_as_json_with_plot_and_page(rows, tmp_path, capsys):
    plot, html = tmp_path / "plot.svg", tmp_path / "report.html"
    files = ["--plot", str(plot), "--html", str(html)]
    assert medcalc.main(["evaluate", "--csv", str(rows), "--lmul", "3", "--fp8", "--json", *files]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["evaluation"]["rows"], found["evaluation"]["agree"]) == (3, 1)
    assert [one["row"] for one in found["evaluation"]["disagreements"]] == [4, 5]
    assert found["comparison"]["arithmetics"] == ["exact", "L-Mul k=3", "fp8 e4m3", "fp8 e5m2"]
    assert found["comparison"]["rows_near"] == [2, 2, 2, 2]
    assert found["comparison"]["rows_right"] == [1, 1, 1, 1]
    assert found["comparison"]["whole_numbers"] == []
    assert plot.read_text().startswith("<svg")
    page = html.read_text()
    assert "<svg" in page and "Rows within the limits" in page and "1 of 3 rows agree" in page
    assert "Rows that cannot be read" in page


def test_evaluate_as_tables_tells_what_is_not_explained(rows, capsys):
    assert medcalc.main(["evaluate", "--csv", str(rows)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "1 of 3 rows agree (33.3 %)" in out
    assert "1 rows are not explained; 1 cannot be read." in out
    assert "5 5 Relevant Entities: expected a Python literal without code, found 'exit()'" in out


def test_scores_and_dates_tell_why_they_survive(tmp_path, capsys):
    age = "{'Last menstrual date': '01/01/2024', 'Current Date': '01/10/2024'}"
    date = {**PRESSURE, "Calculator ID": "69", "Relevant Entities": age, "Ground Truth Answer": "('1 weeks', '2 days')"}
    score = {
        **PRESSURE,
        "Row Number": "8",
        "Calculator ID": "33",
        "Relevant Entities": "{'Fever in past 24 hours': True}",
        "Ground Truth Answer": "1",
    }
    rows, plot = tmp_path / "rows.csv", tmp_path / "plot.png"
    rows.write_text(as_csv(date, score), newline="")
    assert medcalc.main(["evaluate", "--csv", str(rows), "--lmul", "10", "23", "--plot", str(plot)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Calculators of scores: 1, which multiply floats 0 times; points come from 5 comparisons" in out
    assert "day numbers up to 738,895 need 19 mantissa bits" in out
    assert "10 bits change 1 of 1 rows (numbers 512 apart); 23 bits change 0 of 1 rows (numbers 0.0625 apart)" in out
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_a_plot_in_an_unknown_format_is_an_error(rows, capsys):
    assert medcalc.main(["evaluate", "--csv", str(rows), "--plot", "plot.bmp"]) == 1
    assert "--plot: expected a name that ends in .svg or .png, found 'plot.bmp'" in capsys.readouterr().err


def test_each_arithmetic_tells_what_it_loses(rows, capsys):
    assert medcalc.main(["evaluate", "--csv", str(rows), "--lmul", "3", "--fp8"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for name in ("L-Mul k=3", "fp8 e4m3", "fp8 e5m2"):
        assert f"{name}: 0 calculators lose 0 rows (0 with decimals, 0 with whole numbers or dates)" in out


def test_errors_are_one_line(tmp_path, capsys):
    assert medcalc.main(["evaluate", "--csv", str(tmp_path / "none.csv")]) == 1
    error = capsys.readouterr().err
    assert "slipstick-medcalc: error: " in error
    assert "Traceback" not in error


def test_flags_are_checked(capsys):
    with pytest.raises(SystemExit) as caught:
        medcalc.main(["evaluate", "--lmul", "24"])
    assert caught.value.code == 2
    assert "expected an integer from 1 to 23, found '24'" in capsys.readouterr().err


def test_every_disagreement_on_record_has_its_causes():
    assert recorded()
    assert all(defects for defects in recorded().values())
