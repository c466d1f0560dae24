"""What all runs of the fuzzers have done so far, in one file: a run goes on where the last one ended.

`python -m fuzz` prints it. Counts are kept for each version of the code, since what was right may have become wrong.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from slipstick.files import write_atomically

FOLDER = Path("build/fuzz")
"""Where failures and the record are written, under the folder that a run starts in."""


@cache
def version() -> str:
    """Return what git calls the code that runs, "unknown" outside a repository."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return done.stdout.strip() or "unknown"


class Record:
    """Counts by tool and version, in a file that one run at a time writes."""

    def __init__(self, folder: Path):
        self._path = folder / "record.json"
        self._content: dict[str, dict[str, Any]] = {}
        if self._path.is_file():
            self._content = json.loads(self._path.read_text())

    def next_seed(self, tool: str) -> int:
        """Return the seed behind the last one that a tool has used; 1 for the first run."""
        return int(self._content.get(tool, {}).get("next seed", 1))

    def add(self, tool: str, counts: Mapping[str, int], failures: Mapping[str, str], next_seed: int) -> None:
        """Add what a tool has done, and write the file. `failures` are texts by seed or file."""
        entry = self._content.setdefault(tool, {"versions": {}, "failures": {}})
        entry["next seed"] = max(next_seed, self.next_seed(tool))
        total = Counter(entry["versions"].get(version(), {}))
        total.update(counts)
        entry["versions"][version()] = dict(total)
        entry["failures"].update({name: f"{version()}: {text}" for name, text in failures.items()})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(self._content, indent=1) + "\n")

    def lines(self) -> list[str]:
        """Return the totals as text: a line for each tool, its versions, its failures."""
        found = []
        for tool, entry in sorted(self._content.items()):
            total: Counter[str] = Counter()
            for counts in entry["versions"].values():
                total.update(counts)
            found.append(f"{tool}: {_text(total)}; {len(entry['failures'])} failures; next seed {entry['next seed']}")
            found += [f"  {name}: {_text(counts)}" for name, counts in entry["versions"].items()]
            found += [f"  failed {name}: {text[:150]}" for name, text in entry["failures"].items()]
        return found or ["nothing has run yet"]


def _text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())
