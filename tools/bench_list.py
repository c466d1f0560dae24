"""`slipstick-bench list`: the graphs and the suites."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.graphs import CORE, MORE


def print_list(console: Console) -> int:
    """Print every graph with its family, operations and bytes; return the exit status."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("graph", "family", "GFLOP", "MB", "what"):
        table.add_column(heading, justify="right" if heading in ("GFLOP", "MB") else "left")
    for items in (CORE, MORE):
        for item in items:
            flops = "" if item.flops is None else f"{item.flops / 1e9:.2f}"
            table.add_row(item.name, item.family, flops, f"{item.bytes / 1e6:.1f}", item.what)
        table.add_section()
    console.print(table)
    console.print("Above the line: the suite core. Below: by name only.", style="dim")
    return 0
