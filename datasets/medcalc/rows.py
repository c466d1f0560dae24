"""The data set's official CSV: read from a path, or fetched; its columns checked. Nothing of it is in this repository.

Licence of the data: CC-BY-SA 4.0 (ncbi-nlp/MedCalc-Bench).
"""

from __future__ import annotations

import csv
import hashlib
import io
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ...errors import ArgumentError
from ...files import write_atomically
from .shown import shown

URL: Final = (
    "https://raw.githubusercontent.com/ncbi-nlp/MedCalc-Bench/0abf68500d995c535bc68fb4246cb7f726ef3e94/"
    "dataset/test_data.csv"
)
"""The test half of the data set, at a commit of its repository: its text cannot change."""

COLUMNS: Final = (
    "Row Number",
    "Calculator ID",
    "Calculator Name",
    "Output Type",
    "Patient Note",
    "Question",
    "Relevant Entities",
    "Ground Truth Answer",
    "Lower Limit",
    "Upper Limit",
)
"""Those that are read; others may be there."""

_LONGEST_FIELD: Final = 1 << 24


@dataclass(frozen=True)
class Row:
    """One patient and question; all that is not a number here is as the file has it."""

    number: int
    calculator: int
    output: str
    """`decimal`, `integer` or `date`."""
    note: str
    question: str
    entities: str
    """A Python literal: `reader.read` understands it."""
    answer: str
    lower: str
    upper: str


def load(path: Path) -> list[Row]:
    """Return the rows of a CSV. Raises ArgumentError where it is not the data set's, OSError where it is no file."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{path}: expected a CSV in UTF-8: {error}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> list[Row]:
    """Return the rows of a CSV's text; `name` is what errors call it. Raises ArgumentError as `load` does."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ArgumentError(f"{name}: expected the columns of MedCalc-Bench v1.0; missing: {', '.join(missing)}")
        rows = [_row(record, name) for record in reader]
    except csv.Error as error:
        raise ArgumentError(f"{name}:{reader.line_num}: {error}") from None
    if not rows:
        raise ArgumentError(f"{name}: expected rows, found none")
    _check_numbers(rows, name)
    return rows


def fetch(path: Path, sha256: str | None = None, url: str = URL) -> list[Row]:
    """Download the official CSV to `path`, unless it is there, and return its rows.

    With `sha256` its content must have that checksum; without one, what `path` holds must have the checksum that was
    written beside it when it was fetched (`path` with `.sha256` behind it). A file that fails is not written, and one
    that was there is not used. Raises ArgumentError for a wrong checksum or wrong content, or where there is no
    connection, with what to do then.
    """
    recorded = path.with_name(path.name + ".sha256")
    if path.is_file():
        data = path.read_bytes()
        expected = sha256 or (recorded.read_text().strip() if recorded.is_file() else None)
        _check_sum(data, expected, str(path))
        return load(path)
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            data = response.read()
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise ArgumentError(
            f"MedCalc-Bench cannot be fetched from {url} ({error}). Without a connection, copy dataset/test_data.csv "
            "of https://github.com/ncbi-nlp/MedCalc-Bench here by other means and give its path"
        ) from None
    _check_sum(data, sha256, url)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{url}: expected a CSV in UTF-8: {error}") from None
    rows = parse(text, url)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data.decode("utf-8"))
    write_atomically(recorded, hashlib.sha256(data).hexdigest() + "\n")
    return rows


def texts(rows: Iterable[Row]) -> list[str]:
    """Return each row's prompt: the note, an empty line, the question."""
    return [f"{row.note}\n\n{row.question}" for row in rows]


def _check_sum(data: bytes, expected: str | None, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found != expected.lower():
        raise ArgumentError(f"{name}: expected the SHA-256 {expected}, found {found}")


def _row(record: dict[str, str | None], name: str) -> Row:
    values = {column: record[column] for column in COLUMNS}
    absent = [column for column, value in values.items() if value is None]
    if absent or None in record:
        raise ArgumentError(f"{name}: row {values['Row Number']}: expected {len(record)} fields, found another number")
    found = {column: value or "" for column, value in values.items()}
    return Row(
        _whole(found, "Row Number", name),
        _whole(found, "Calculator ID", name),
        found["Output Type"],
        found["Patient Note"],
        found["Question"],
        found["Relevant Entities"],
        found["Ground Truth Answer"],
        found["Lower Limit"],
        found["Upper Limit"],
    )


def _whole(values: dict[str, str], column: str, name: str) -> int:
    try:
        return int(values[column])
    except ValueError:
        where = values["Row Number"] if column != "Row Number" else "?"
        raise ArgumentError(
            f"{name}: row {where}: {column}: expected an integer, found {shown(values[column])}"
        ) from None


def _check_numbers(rows: Sequence[Row], name: str) -> None:
    seen: set[int] = set()
    for row in rows:
        if row.number in seen:
            raise ArgumentError(f"{name}: row {row.number}: Row Number: expected once, found again")
        seen.add(row.number)
