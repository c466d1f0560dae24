"""What was measured of the candidates of one nest, as data: policies are judged by it without measuring again."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..bindings import ir
from ..errors import ArgumentError, SlipstickError
from ..files import write_atomically, write_bytes_atomically
from ..kernels.choice import Choice
from ..passes.nests import Nest, nests
from ..target import Target
from .build import parse

FORMAT = "slipstick decision tables"
VERSION = 1


@dataclass(frozen=True)
class Measured:
    """One candidate."""

    choice: Choice
    object: str
    """The hash of its code: candidates of one hash are one kernel. Empty where it could not be compiled."""
    seconds: float | None
    relative: float | None
    """Seconds as a share of the heuristic's, measured in the same turns."""
    failed: str = ""
    """Why there is no time."""
    again: float | None = None
    """`relative` in a second round, if there was one: how far the two are apart is noise."""


@dataclass(frozen=True)
class DecisionTable:
    """One nest with all its candidates, the heuristic's first."""

    what: str
    key: str
    target: str
    """The CPU that code was made for."""
    text: str
    """The nest's module, as `Nest.text`."""
    lines: Sequence[Measured]
    family: str = ""
    """What kind of model the nest is of, where that is known: what is held out together."""

    @property
    def shape(self) -> str:
        """What the nest computes and its sizes, whatever is fused and however it multiplies."""
        parts = self.what.split(", ")
        return ", ".join(part for part in parts if not part.startswith(("weights", "L-Mul", "epilogue")))

    @property
    def heuristic(self) -> Measured:
        """What the nest has unless a policy says otherwise."""
        return self.lines[0]

    @cached_property
    def relative(self) -> dict[Choice, float]:
        """Seconds of each candidate that was measured, as a share of the heuristic's."""
        return {line.choice: line.relative for line in self.lines if line.relative is not None}

    @property
    def space(self) -> list[Choice]:
        """All candidates."""
        return [line.choice for line in self.lines]

    @property
    def codes(self) -> int:
        """How many different kernels the candidates become."""
        return len({line.object for line in self.lines if line.object})

    @property
    def machine(self) -> Target:
        """The CPU: this machine where the table was made for one of its name."""
        host = Target.host()
        return host if host.cpu == self.target else Target.named(self.target)

    @property
    def nest(self) -> Nest:
        """The nest, which lives as long as the table. Raises IRError or ArgumentError where the text is of none."""
        return self._parsed[1]

    @cached_property
    def _parsed(self) -> tuple[ir.Module, Nest]:
        module = parse(self.text)
        found = nests(module.operation)
        if len(found) != 1:
            raise ArgumentError(f"{self.what}: expected a module of one nest, found {len(found)}")
        return module, found[0]

    def json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        lines = [
            {name: value for name, value in vars(line).items() if name != "again" or value is not None}
            | {"choice": line.choice.json()}
            for line in self.lines
        ]
        found = {"what": self.what, "key": self.key, "target": self.target, "text": self.text, "candidates": lines}
        return {**found, "family": self.family} if self.family else found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DecisionTable:
        """Return what `json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        lines = [Measured(**{**line, "choice": Choice.from_json(line["choice"])}) for line in data["candidates"]]
        if not lines or lines[0].relative is None:
            raise ValueError("expected candidates, the heuristic's first, with its time")
        family = data.get("family", "")
        return cls(data["what"], data["key"], data["target"], data["text"], tuple(lines), family)


def save_tables(tables: Sequence[DecisionTable], path: Path) -> None:
    """Write tables to a file of JSON, one nest a line, compressed where its name ends in `.gz`. Raises OSError."""
    lines = ",\n  ".join(json.dumps(table.json()) for table in tables)
    text = f'{{"format": "{FORMAT}", "version": {VERSION}, "nests": [\n  {lines}\n]}}\n'
    if path.suffix == ".gz":
        write_bytes_atomically(path, gzip.compress(text.encode(), mtime=0))
    else:
        write_atomically(path, text)


def load_tables(path: Path) -> list[DecisionTable]:
    """Read tables. Raises ArgumentError where the file is missing or of another form."""
    try:
        raw = path.read_bytes()
        data = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except (OSError, ValueError, EOFError, zlib.error) as problem:
        raise ArgumentError(f"{path}: expected a file of decision tables, {problem}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise ArgumentError(f'{path}: expected decision tables ("format": "{FORMAT}", "version": {VERSION})')
    return list(_tables(data.get("nests"), path))


def _tables(entries: Any, path: Path) -> Iterator[DecisionTable]:
    if not isinstance(entries, list):
        raise ArgumentError(f"{path}: expected a list of nests, found {type(entries).__name__}")
    for number, entry in enumerate(entries):
        try:
            yield DecisionTable.from_json(entry)
        except (KeyError, TypeError, ValueError, SlipstickError) as problem:
            raise ArgumentError(f"{path}: nests[{number}]: {problem}") from None
