"""The corpus on disk: Parquet parts, each written whole, and a manifest with their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...errors import ArgumentError
from ...files import write_atomically, write_bytes_atomically
from .plan import Plan

MANIFEST = "manifest.json"
_TEXT = (
    *("program", "family", "kind", "level", "function", "lmul", "weights", "fusion", "target"),
    *("text", "canonical", "shape_erased"),
)
_COUNTS = (
    *("vector_registers", "scalar_registers", "spills", "reloads", "scalar_spills", "stack_bytes", "instructions"),
    *("vector_instructions", "loops", "code_bytes"),
)
_NUMBERS = ("cycles", "ipc", "utilisation")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXT),
        ("seed", pa.int64()),
        ("variant", pa.int32()),
        ("shape_class", pa.int32()),
        ("operations", pa.list_(pa.string())),
        *((name, pa.int64()) for name in _COUNTS),
        *((name, pa.float64()) for name in _NUMBERS),
    ]
)
"""The columns; those of `llvm-mca` are null where it is missing or has no loop to run."""
ABOUT = {
    "rows": "one text for one CPU; rows of one program, in whatever form and schedule, are variants of one another",
    "duplicates": "rows of the same `canonical` and `target`: the reader drops all but the first",
    "leak": "between the sides of a split by program, family, operation or shape: the same `canonical` or"
    " `shape_erased`. Of a split by `target`: the same `canonical` and the same `target`. The text names no CPU,"
    " so that the same kernel for another CPU often has the same text; what tells them apart is the target token",
    "measured": "times are in the folder `measured`, for one machine; they are never columns of the parts",
}
"""What a reader must know, in the manifest."""


@dataclass(frozen=True)
class Store:
    """A folder with the rows of one plan."""

    folder: Path
    plan: Plan

    def open(self, versions: dict[str, str]) -> None:
        """Make the folder, or check that it holds this plan by these versions. Raises ArgumentError where not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = {"plan": self.plan.json(), "versions": versions}
        path = self.folder / MANIFEST
        if not path.exists():
            write_atomically(path, json.dumps({**wanted, "about": ABOUT, "parts": {}}, indent=1))
            return
        found = read_manifest(self.folder)
        for name, value in wanted.items():
            if found.get(name) != value:
                raise ArgumentError(
                    f"{self.folder}: holds a corpus with another {name}: {found.get(name)}, not {value}"
                )

    def missing(self, parts: int) -> list[int]:
        """Return the numbers of parts that are not there, or not what the manifest says."""
        hashes = read_manifest(self.folder)["parts"]
        found = {number: _hash(self.folder / _name(number)) for number in range(parts)}
        return [
            number for number in range(parts) if found[number] is None or hashes.get(_name(number)) != found[number]
        ]

    def rows(self, before: int) -> int:
        """Return how many rows are in the parts before that one."""
        rows = read_manifest(self.folder).get("rows", {})
        return sum(rows.get(_name(number), 0) for number in range(before))

    def digest(self) -> str:
        """Return a hash of all parts that are there: equal corpora have equal ones."""
        parts = sorted(read_manifest(self.folder)["parts"].items())
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def write(self, number: int, rows: Sequence[dict[str, Any]], failures: Sequence[dict[str, str]]) -> None:
        """Write a part: rows, and what failed beside it. Raises OSError."""
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), sink, compression="zstd")
        data = sink.getvalue().to_pybytes()
        write_bytes_atomically(self.folder / _name(number), data)
        manifest = read_manifest(self.folder)
        manifest["parts"][_name(number)] = hashlib.sha256(data).hexdigest()
        manifest.setdefault("rows", {})[_name(number)] = len(rows)
        manifest.setdefault("failures", {})[_name(number)] = list(failures)
        write_atomically(self.folder / MANIFEST, json.dumps(manifest, indent=1))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a corpus. Raises ArgumentError where there is none."""
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{folder}: expected a corpus with a file {MANIFEST}; {error}") from None
    if not isinstance(found, dict) or "parts" not in found:
        raise ArgumentError(f"{folder / MANIFEST}: expected an object with parts")
    return found


def read_plan(folder: Path) -> Plan:
    """Return the plan of a corpus. Raises ArgumentError where there is none."""
    try:
        found: dict[str, Any] = dict(read_manifest(folder)["plan"])
        for name, value in found.items():
            found[name] = tuple(value) if isinstance(value, list) else value
        return Plan(**found)
    except (KeyError, TypeError, ValueError) as error:
        raise ArgumentError(f"{folder / MANIFEST}: expected the plan of a corpus; {error}") from None


def part_names(folder: Path) -> list[tuple[str, int]]:
    """Return the parts that a corpus has, and the number of each."""
    numbers = (int(name.removeprefix("part-").removesuffix(".parquet")) for name in read_manifest(folder)["parts"])
    return [(_name(number), number) for number in sorted(numbers)]


def read_part(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a part as they were labelled, copies included. Raises ArgumentError where it is damaged."""
    if _hash(folder / name) != read_manifest(folder)["parts"].get(name):
        raise ArgumentError(f"{folder / name}: is damaged; remove it and run `slipstick-cost label` again")
    found: list[dict[str, Any]] = pq.read_table(folder / name).to_pylist()
    return found


def read_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a corpus, without those whose text came before for the same CPU.

    Raises ArgumentError for a folder that is no corpus, or a part that is not what the manifest says.
    """
    seen: set[tuple[str, str]] = set()
    for name in sorted(read_manifest(folder)["parts"]):
        for row in read_part(folder, name):
            key = (row["canonical"], row["target"])
            if key not in seen:
                seen.add(key)
                yield row


def read_all(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yield the rows of several corpora, each text for a CPU once. Raises as `read_rows`."""
    seen: set[tuple[str, str]] = set()
    for folder in folders:
        for row in read_rows(folder):
            key = (row["canonical"], row["target"])
            if key not in seen:
                seen.add(key)
                yield row


def _name(number: int) -> str:
    return f"part-{number:05d}.parquet"


def _hash(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
