"""`slipstick-bench list`: the graphs, all or those of a family, a tag or a suite; of one by name, all that is known."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.graph import Graph, size_text
from ..datasets.graphs import SUITES, graph, select
from ..errors import ArgumentError


def list_graphs(program: str, argv: Sequence[str]) -> int:
    """Print the graphs that the arguments ask for; return the exit status."""
    arguments = _parser(program).parse_args(argv)
    if arguments.name is not None:
        if arguments.family or arguments.tag or arguments.suite:
            raise ArgumentError(f"list {arguments.name}: expected no --family, --tag or --suite beside a name")
        return _one(graph(arguments.name), as_json=arguments.json)
    found = select(arguments.family, arguments.tag, arguments.suite)
    if arguments.json:
        sys.stdout.write(json.dumps([described(one) for one in found], ensure_ascii=False, indent=2) + "\n")
        return 0
    console = Console()
    if not console.is_terminal:
        # In a file or a pipe, lines are as long as the table needs.
        console = Console(width=_WIDTH)
    console.print(_table(found))
    families = len({one.family for one in found})
    console.print(
        f"{len(found)} {'graph' if len(found) == 1 else 'graphs'} in {families} "
        f"{'family' if families == 1 else 'families'}. Operations and bytes that are left out are counted when a graph "
        "is built.",
        style="dim",
    )
    return 0


def _one(found: Graph, *, as_json: bool) -> int:
    """Print one graph with its sizes, as they may be set behind a colon or by `export --set`."""
    known = described(found)
    if as_json:
        sys.stdout.write(json.dumps(known, ensure_ascii=False, indent=2) + "\n")
        return 0
    sizes = {name: size_text(size) for name, size in found.sizes.items()}
    small = {name: size_text(size) for name, size in found.small_sizes.items()}
    lines = {
        "graph": found.name,
        "what": found.what,
        "family": found.family,
        "suites": ", ".join(known["suites"]),
        "tags": ", ".join(found.tags),
        "source": found.source,
        "sizes": ",".join(f"{name}={text}" for name, text in sizes.items()) or "this one only",
        "small": ",".join(f"{name}={text}" for name, text in small.items()),
        "GFLOP": "" if found.flops is None else f"{found.flops / 1e9:.2f}",
        "MB": "" if found.bytes is None else f"{found.bytes / 1e6:.1f}",
        "tolerance": f"{found.tolerance:.0e} of the largest magnitude",
    }
    sys.stdout.writelines(f"{name:<10}{text}\n" for name, text in lines.items() if text)
    return 0


_WIDTH = 150


def described(one: Graph) -> dict[str, Any]:
    """Return all that the registry says of a graph."""
    return {
        "name": one.name,
        "workload": one.workload or one.name,
        "family": one.family,
        "what": one.what,
        "sizes": dict(one.sizes),
        "small_sizes": dict(one.small_sizes),
        "tags": list(one.tags),
        "source": one.source,
        "suites": [name for name, graphs in SUITES.items() if one in graphs],
        "flops": one.flops,
        "bytes": one.bytes,
        "tolerance": one.tolerance,
    }


def _table(found: Sequence[Graph]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("graph", "family", "GFLOP", "MB", "what"):
        table.add_column(heading, justify="right" if heading in ("GFLOP", "MB") else "left", no_wrap=heading != "what")
    for one in found:
        flops = "" if one.flops is None else f"{one.flops / 1e9:.2f}"
        size = "" if one.bytes is None else f"{one.bytes / 1e6:.1f}"
        table.add_row(one.name, one.family, flops, size, one.what)
    return table


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description="List the graphs of the registry.")
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="one graph: its sizes, source and tags")
    add("--family", metavar="NAME", help="only graphs of this family, such as encoder")
    add("--tag", metavar="WORD", help="only graphs with this tag, such as rotary")
    add("--suite", metavar="NAME", help="only graphs of this suite, such as zoo")
    add("--json", action="store_true", help="print all that is known of them as JSON")
    return parser
