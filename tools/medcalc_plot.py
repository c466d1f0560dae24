"""The plot of `slipstick-medcalc`: rows and calculators that survive each arithmetic."""

from __future__ import annotations

from ..datasets.medcalc.survival import Comparison
from .plots import INK, as_svg, new_figure


def survival_plot(comparison: Comparison) -> str:
    """Return an SVG: for each arithmetic the share of rows near the exact result, and of calculators that keep all."""
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
    return as_svg(figure)
