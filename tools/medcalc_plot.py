"""The plot of `slipstick-medcalc`: rows and calculators that survive each arithmetic."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from ..datasets.medcalc.survival import Comparison
from ..errors import ArgumentError
from ..files import write_atomically
from .plots import INK, as_svg, new_figure, on_its_own

FORMATS = (".svg", ".png")


def survival_figure(comparison: Comparison) -> Figure:
    """Draw, for each arithmetic, the share of rows near the exact result, and of calculators that keep all."""
    figure = new_figure(7.5, 3.2)
    axes = figure.subplots()
    places = range(len(comparison.names))
    rows, calculators = comparison.rows_near(), comparison.calculators_surviving()
    shares = (
        ("rows within the limits around the exact result", "#2f81f7", [100 * near / max(rows[0], 1) for near in rows]),
        ("calculators that keep all", "#d29922", [100 * kept / max(calculators[0], 1) for kept in calculators]),
    )
    for number, (label, colour, heights) in enumerate(shares):
        bars = axes.bar([place + 0.4 * number - 0.2 for place in places], heights, 0.38, color=colour, label=label)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, color=INK)
    axes.set_xticks(list(places), list(comparison.names), fontsize=8)
    axes.set_ylabel("% of all")
    axes.set_ylim(0, 112)
    axes.grid(axis="y")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8)
    return figure


def check_format(path: Path) -> None:
    """Raise ArgumentError unless the file's name ends in a format that can be drawn."""
    if path.suffix.lower() not in FORMATS:
        raise ArgumentError(f"--plot: expected a name that ends in {' or '.join(FORMATS)}, found {path.name!r}")


def save(figure: Figure, path: Path) -> None:
    """Write a plot as SVG, with ink for light and dark pages, or as PNG on white."""
    if path.suffix.lower() == ".svg":
        write_atomically(path, on_its_own(as_svg(figure)))
    else:
        figure.savefig(path, format="png", dpi=150)
