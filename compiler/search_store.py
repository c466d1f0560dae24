"""What was measured, kept in the cache folder: a file of lines for each nest and CPU, that processes may share.

    <cache>/decisions/v1/<key>.jsonl     {"object": "...", "seconds": ..., "relative": ..., "choice": {...}}

A record is of object code, not of a choice: it holds as long as the compiler makes the same code of the choice, and for
all choices that become the same code. `relative` is the time as a share of that of the code `base`, which was
measured beside it: it compares records of different days. A candidate that crashed has a reason in `failed` instead. A
line that is damaged or cut off counts as none.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .cache import Cache


@dataclass(frozen=True)
class Record:
    """One candidate, measured."""

    object: str
    """The hash of its code."""
    base: str
    """That of the code that it is compared with: the heuristic's."""
    seconds: float
    relative: float
    """Seconds divided by those of the base, measured in the same turns."""
    rounds: int
    choice: dict[str, Any]
    failed: str = ""
    """Why it has no time: it crashed, or did not return."""


class SearchStore:
    """The records of all nests, in a folder; by default that of the compile cache."""

    def __init__(self, cache_dir: Path | None = None):
        self.folder = Cache(cache_dir).directory / "decisions" / "v1"

    def read(self, key: str, base: str) -> dict[str, Record]:
        """Return the records of a nest against a base, by object; of several the one of the most rounds, the last."""
        found: dict[str, Record] = {}
        try:
            lines = self._path(key).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return {}
        for line in lines:
            record = _record(line)
            if record is None or record.base != base:
                continue
            before = found.get(record.object)
            if before is None or record.rounds >= before.rounds:
                found[record.object] = record
        return found

    def add(self, key: str, records: Iterable[Record]) -> None:
        """Append records, whole lines at once. A folder that cannot be written keeps nothing."""
        # An empty line first: what a full disk or a dead process has cut off before must not spoil the next record.
        text = "\n" + "".join(json.dumps(asdict(record)) + "\n" for record in records)
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path(key), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                os.write(descriptor, text.encode())
            finally:
                os.close(descriptor)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.jsonl"


def _record(line: str) -> Record | None:
    try:
        data = json.loads(line)
        record = Record(**data)
        has_time = record.relative > 0 and record.seconds > 0
        usable = (has_time or record.failed) and isinstance(record.choice, dict)
    except (ValueError, TypeError):
        return None
    return record if usable else None
