"""Decisions of many nests as a file: JSON, by a key that says the nest and the CPU, with words for people beside it.

    {"format": "slipstick decisions", "version": 1, "nests": [
      {"key": "9c50f9...-f5bdcd27", "target": "znver4", "what": "matmul 128x768, depth 768, f32, epilogue of 2",
       "policy": "search", "decision": {"kind": "packed", "register_tile": [6, 64], ..., "epilogue": "registers"}}]}

The key is a hash of the nest's canonical text, without its decision, and of the target: it does not depend on where in
a model the nest stands, or in which. A decision may be edited by hand; an illegal one is an error that says why.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ArgumentError
from ..files import write_atomically
from .choice import Choice

FORMAT = "slipstick decisions"
VERSION = 1


@dataclass(frozen=True)
class Decided:
    """What was decided for one nest."""

    key: str
    target: str
    """The CPU, as LLVM calls it."""
    what: str
    """The nest in words."""
    policy: str
    """Who decided: `heuristic`, `search`, `model`, or what a file says."""
    choice: Choice

    def json(self) -> dict[str, Any]:
        """Return an entry of the file."""
        head = {"key": self.key, "target": self.target, "what": self.what, "policy": self.policy}
        return {**head, "decision": self.choice.json()}

    @classmethod
    def from_json(cls, data: Any) -> Decided:
        """Return what `json` wrote. Raises ValueError with the reason for anything else."""
        if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
            raise ValueError(f"expected an object with a key, found {data!r}")
        words = {name: str(data.get(name, "")) for name in ("target", "what", "policy")}
        return cls(data["key"], **words, choice=Choice.from_json(data.get("decision", {})))


class Decisions(Mapping[str, Decided]):
    """Decisions by key."""

    def __init__(self, entries: Iterable[Decided] = ()):
        self._entries = {entry.key: entry for entry in entries}

    def __getitem__(self, key: str) -> Decided:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Decisions({len(self)} nests)"

    def json(self) -> dict[str, Any]:
        """Return the content of a file."""
        return {"format": FORMAT, "version": VERSION, "nests": [entry.json() for entry in self.values()]}

    def text(self) -> str:
        """Return the file's text, one nest a line."""
        lines = ",\n  ".join(json.dumps(entry.json()) for entry in self.values())
        return f'{{"format": "{FORMAT}", "version": {VERSION}, "nests": [\n  {lines}\n]}}\n'

    def digest(self) -> str:
        """Return a hash of what is decided."""
        return hashlib.sha256(json.dumps(self.json(), sort_keys=True).encode()).hexdigest()[:32]

    def save(self, path: str | Path) -> None:
        """Write a file, whole or not at all. Raises OSError."""
        write_atomically(Path(path), self.text())

    @classmethod
    def load(cls, path: str | Path) -> Decisions:
        """Read a file. Raises ArgumentError where it is missing, of another form, or an entry is illegal."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            raise ArgumentError(f"{path}: expected a file of decisions, {problem}") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
            raise ArgumentError(f'{path}: expected decisions ("format": "{FORMAT}", "version": {VERSION})')
        return cls.from_entries(data.get("nests"), str(path))

    @classmethod
    def from_entries(cls, entries: Any, where: str) -> Decisions:
        """Return the decisions that a list of entries holds; `where` is named in the error."""
        if not isinstance(entries, list):
            raise ArgumentError(f"{where}: expected a list of nests, found {type(entries).__name__}")
        found = []
        for number, entry in enumerate(entries):
            try:
                found.append(Decided.from_json(entry))
            except ValueError as problem:
                raise ArgumentError(f"{where}: nests[{number}]: {problem}") from None
        return cls(found)
