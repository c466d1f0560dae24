"""`slipstick-bench peft-coverage`: which methods of parameter-efficient tuning have which graphs, and why not."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.graphs_peft import PEFT
from ..datasets.peft.coverage import coverage

_WIDTH = 150


def print_coverage() -> int:
    """Print every entry of the survey's taxonomy and every type of `peft`; return the exit status."""
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe, lines are as long as the table needs.
        console = Console(width=_WIDTH)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("entry", "graphs", "why"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "graphs")
    rows = coverage(PEFT)
    part = ""
    for row in rows:
        if row.entry.part != part:
            part = row.entry.part
            table.add_section()
            table.add_row(f"[bold]{part}[/bold]")
        table.add_row(row.entry.name, "\n".join(row.graphs) or "none", row.entry.why)
    console.print(table)
    covered = sum(bool(row.graphs) for row in rows)
    own = sum(bool(row.graphs) and not row.entry.why for row in rows)
    training = sum(bool(row.graphs) and all("-training-" in name for name in row.graphs) for row in rows)
    console.print(
        f"{len(rows)} entries: {own} with graphs of their own, {covered - own} with the graph of a method that computes"
        f" the same shape, {len(rows) - covered} without. Of those with graphs, {training} have training steps only:"
        " their inference is the base model's.",
        style="dim",
    )
    return 0
