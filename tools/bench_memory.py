"""How much memory running a graph takes at most, beside the bytes of its weights."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from ..errors import SlipstickError
from ..target import MIB
from .bench_process import ask

WORKER = "bench_memory_worker"
MODES = {
    "file": "weights from a file",
    "dropped": "torch module dropped",
    "kept": "torch module kept",
    "torch": "torch eager",
}
HEADINGS = ("graph", "", "weights", "before", "peak building", "peak running", "running / weights")


def measure_memory(name: str, threads: int, limit: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the peaks of resident memory in bytes, each mode in a process of its own.

    "before" is what Python and the libraries hold before the graph is built; "building" the peak while it is built and
    compiled, "running" the peak of the calls after that, both with "before" in them. A mode whose process fails or is
    killed, for want of memory say, has "failure" instead, the reason; the others stay.
    """

    def asked(mode: str, *rest: str) -> dict[str, Any]:
        try:
            return ask(WORKER, mode, name, str(threads), *rest, limit=limit)
        except SlipstickError as error:
            return {"failure": str(error)}

    found = []
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "weights.safetensors"))
        say("write the weights to a file")
        saved = asked("save", file)
        for mode, words in MODES.items():
            say(words)
            result = asked(mode, *([file] if mode == "file" else [])) if mode != "file" or "bytes" in saved else saved
            found.append({"graph": name, "mode": mode, **result})
    return found


def memory_rows(found: tuple[dict[str, Any], ...]) -> list[list[str]]:
    """Return the cells of the table, in MiB, a list for each graph and mode."""
    rows = []
    for result in found:
        if "failure" in result:
            # No mode: the graph failed before its modes began.
            mode = MODES.get(result.get("mode", ""))
            rows.append([result["graph"], f"{mode}: {result['failure']}" if mode else f"failed: {result['failure']}"])
            continue
        ratio = (result["running"] - result["before"]) / max(1, result["weights"])
        sizes = [f"{result[key] / MIB:,.0f}" for key in ("weights", "before", "building", "running")]
        rows.append([result["graph"], MODES[result["mode"]], *sizes, f"{ratio:.2f}"])
    return rows


def memory_table(found: tuple[dict[str, Any], ...]) -> Table:
    """Return the figures as a table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if number < 2 else "right")
    for row in memory_rows(found):
        table.add_row(*row)
    return table


NOTE = (
    "Resident memory, MiB. Before: Python and the libraries. Running / weights: the peak of the calls less what was "
    "there before, in times the bytes of the weights."
)
