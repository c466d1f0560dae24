"""The plot of `slipstick-medcalc`: what each arithmetic leaves of the rows that are right in exact arithmetic."""

from __future__ import annotations

from ..datasets.medcalc.survival import Comparison
from .plots import INK, as_svg, new_figure


def survival_plot(comparison: Comparison) -> str:
    """Return an SVG: the share of rows that stay right, and of calculators that keep all theirs, by arithmetic."""
    figure = new_figure(7.5, 3.2)
    axes = figure.subplots()
    places = range(len(comparison.names))
    judged = sum(one.rows > 0 for one in comparison.survivals)
    shares = (
        ("rows", "#2f81f7", [100 * kept / max(comparison.rows, 1) for kept in comparison.rows_kept()]),
        (
            "calculators that keep all",
            "#d29922",
            [100 * kept / max(judged, 1) for kept in comparison.calculators_kept()],
        ),
    )
    for number, (label, colour, heights) in enumerate(shares):
        bars = axes.bar([place + 0.4 * number - 0.2 for place in places], heights, 0.38, color=colour, label=label)
        axes.bar_label(bars, fmt="%.0f", fontsize=8, color=INK)
    axes.set_xticks(list(places), list(comparison.names), fontsize=8)
    axes.set_ylabel("% of exact")
    axes.set_ylim(0, 112)
    axes.grid(axis="y")
    figure.legend(loc="outside upper left", ncols=2, fontsize=8)
    return as_svg(figure)
