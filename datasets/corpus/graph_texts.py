"""Graphs of the registry in a file, imported already: so that machines without torch label them, and all the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from ...errors import ArgumentError, SlipstickError
from ...files import write_bytes_atomically
from .graph_programs import graph_program
from .program import Program


def write_graphs(path: Path, names: Sequence[str], say: Callable[[str], None]) -> int:
    """Import graphs and write them to a file, one JSON object a line, compressed; return how many.

    `say` is told of each that cannot be imported, which is left out. Raises ArgumentError for an unknown name, OSError.
    """
    lines = []
    for name in names:
        try:
            program = graph_program(name)
        except ArgumentError:
            raise
        except SlipstickError as error:
            say(f"{name}: {str(error).partition(chr(10))[0]}")
            continue
        lines.append(json.dumps({"name": name, "family": program.family, "text": program.text}))
    data = "".join(f"{line}\n" for line in lines).encode()
    write_bytes_atomically(path, gzip.compress(data, mtime=0))
    return len(lines)


@cache
def read_graphs(path: Path) -> Mapping[str, Program]:
    """Return the programs of such a file, by the graphs' names. Raises ArgumentError for a file that is none."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        entries = [json.loads(line) for line in lines]
        return {entry["name"]: Program(f"graph {entry['name']}", entry["family"], entry["text"]) for entry in entries}
    except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
        raise ArgumentError(
            f"{path}: expected graphs that `slipstick-cost label --write-graphs` wrote; {error}"
        ) from None
