"""The data set's CSV: its columns, its faults, and fetching it with and without a connection. The rows are made up."""

from __future__ import annotations

import csv
import hashlib
import io

import pytest
from slipstick import ArgumentError
from slipstick.datasets.medcalc.rows import COLUMNS, fetch, load, parse, texts

PRESSURE = {
    "Row Number": "3",
    "Calculator ID": "5",
    "Calculator Name": "Mean Arterial Pressure (MAP)",
    "Output Type": "decimal",
    "Patient Note": 'A note,\nwith "quotes".',
    "Question": "What is it?",
    "Relevant Entities": "{'Systolic Blood Pressure': [120, 'mm hg'], 'Diastolic Blood Pressure': [60, 'mm hg']}",
    "Ground Truth Answer": "80",
    "Lower Limit": "76",
    "Upper Limit": "84",
}


def as_csv(*records: dict[str, str], columns: tuple[str, ...] = (*COLUMNS, "More")) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def test_rows_are_read_as_they_are():
    (row,) = parse(as_csv(PRESSURE), "x.csv")
    assert (row.number, row.calculator, row.output) == (3, 5, "decimal")
    assert (row.answer, row.lower, row.upper) == ("80", "76", "84")
    assert texts([row]) == ['A note,\nwith "quotes".\n\nWhat is it?']


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", r"x.csv: expected the columns of MedCalc-Bench v1.0; missing: Row Number, .*, Upper Limit"),
        (as_csv(PRESSURE, columns=COLUMNS[:-1]), r"x.csv: .*; missing: Upper Limit$"),
        (as_csv(), "x.csv: expected rows, found none"),
        (as_csv({**PRESSURE, "Row Number": "x"}), r"x.csv: row \?: Row Number: expected an integer, found 'x'"),
        (as_csv({**PRESSURE, "Calculator ID": ""}), "x.csv: row 3: Calculator ID: expected an integer, found ''"),
        (as_csv(PRESSURE, PRESSURE), "x.csv: row 3: Row Number: expected once, found again"),
        (as_csv(PRESSURE) + "4,5\n", "x.csv: row 4: expected .* fields, found another number"),
        (as_csv(PRESSURE) + "4,5,a,b,c,d,e,f,g,h,i,j,k\n", "x.csv: row 4: expected .* fields, found another number"),
        (as_csv(PRESSURE) + '"', "x.csv:.*: unexpected end of data"),
    ],
)
def test_what_is_not_the_data_set_says_why(text, error):
    with pytest.raises(ArgumentError, match=error):
        parse(text, "x.csv")


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArgumentError, match=r"x\.csv: expected a CSV in UTF-8"):
        load(path)
    with pytest.raises(OSError, match="none"):
        load(tmp_path / "none")


def test_fetching_writes_the_file_and_its_checksum(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text(as_csv(PRESSURE), newline="")
    path = tmp_path / "deep" / "fetched.csv"
    assert fetch(path, url=source.as_uri()) == load(source)
    assert path.read_bytes() == source.read_bytes()
    source.unlink()
    assert len(fetch(path, url=source.as_uri())) == 1, "what is there is not fetched again"
    path.write_text(as_csv({**PRESSURE, "Ground Truth Answer": "81"}), newline="")
    with pytest.raises(ArgumentError, match=r"fetched\.csv: expected the SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        fetch(path, url=source.as_uri())


def test_a_wrong_checksum_writes_nothing(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text(as_csv(PRESSURE), newline="")
    good = hashlib.sha256(source.read_bytes()).hexdigest()
    path = tmp_path / "fetched.csv"
    with pytest.raises(ArgumentError, match="expected the SHA-256 00"):
        fetch(path, "00" * 32, source.as_uri())
    assert not path.exists()
    assert len(fetch(path, good.upper(), source.as_uri())) == 1


def test_something_else_behind_the_address_writes_nothing(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("<html>")
    with pytest.raises(ArgumentError, match="expected the columns of MedCalc-Bench"):
        fetch(tmp_path / "fetched.csv", url=source.as_uri())
    assert not (tmp_path / "fetched.csv").exists()


def test_without_a_connection_the_error_says_what_to_do(tmp_path):
    with pytest.raises(ArgumentError, match=r"cannot be fetched from .*none\.csv .*Without a connection, copy"):
        fetch(tmp_path / "fetched.csv", url=(tmp_path / "none.csv").as_uri())
