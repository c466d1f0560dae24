"""`slipstick-medcalc prompts`: the lengths of the data set's notes and questions, as tables and as a plot."""

from __future__ import annotations

import argparse
import json
import sys

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.medcalc.prompts import PERCENTILES, Lengths, lengths
from ..datasets.medcalc.rows import load, texts
from ..files import write_atomically
from .files import check_writable

_BINS = 24
_BAR = 50
_SEPARATOR = "\n\n"


def show_prompts(console: Console, arguments: argparse.Namespace) -> None:
    """Print the distribution; write plot and corpus where they are asked for."""
    for path, flag in ((arguments.plot, "--plot"), (arguments.corpus, "--corpus")):
        if path is not None:
            check_writable(path, flag)
    found = texts(load(arguments.data))
    measured = lengths(found, arguments.tokenizer)
    if arguments.corpus is not None:
        write_atomically(arguments.corpus, _SEPARATOR.join(found) + "\n")
    if arguments.plot is not None:
        from .plots import on_its_own

        write_atomically(arguments.plot, on_its_own(histogram_plot(measured)))
    if arguments.json:
        sys.stdout.write(json.dumps(measured.as_json()) + "\n")
        return
    console.print(_percentiles(measured))
    console.print(_histogram(measured))
    contexts = ", ".join(map(str, measured.contexts()))
    console.print(
        f"{len(measured.counts)} prompts, {measured.mean:.0f} {measured.unit} on average. Contexts for half, nine in "
        f"ten and all of them with an answer of 128: {contexts}.",
        highlight=False,
    )


def _percentiles(measured: Lengths) -> Table:
    table = Table(title=f"Lengths of prompts, {measured.unit}", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("least", *(f"{share} %" for share in PERCENTILES), "greatest"):
        table.add_column(heading, justify="right")
    values = (measured.counts[0], *map(measured.percentile, PERCENTILES), measured.counts[-1])
    table.add_row(*map(str, values))
    return table


def _histogram(measured: Lengths) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("from", "to", "prompts", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    bins = measured.histogram(_BINS)
    most = max(count for _, _, count in bins)
    for low, high, count in bins:
        table.add_row(str(low), str(high - 1), str(count), "█" * round(_BAR * count / most))
    return table


def histogram_plot(measured: Lengths) -> str:
    """Return an SVG: how many prompts have which length, with the contexts that hold half, nine in ten and all."""
    from .plots import as_svg, figure_and_axes

    figure, axes = figure_and_axes(7.0, 3.0)
    bins = measured.histogram(_BINS)
    edges = [bins[0][0], *(high for _, high, _ in bins)]
    axes.stairs([count for _, _, count in bins], edges, color="#2f81f7", fill=True, alpha=0.6)
    for share, colour in ((50, "#d29922"), (90, "#db61a2")):
        length = measured.percentile(share)
        axes.axvline(length, color=colour, linewidth=1.5, label=f"{share} % have at most {length}")
    axes.set_xlabel(f"length, {measured.unit}")
    axes.set_ylabel("prompts")
    axes.set_xlim(left=0)
    axes.legend(loc="upper right")
    return as_svg(figure)
