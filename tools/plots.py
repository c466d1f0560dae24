"""Plots of reports as SVG text that takes its colours from the page, so that dark and light both read."""

from __future__ import annotations

import io
import re
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#010203"
"""A colour that nothing else has: it becomes the page's text colour."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "slipstick",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "grid.color": "#7f7f7f",
    "grid.alpha": 0.25,
}


def figure_and_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a new figure with one plot; sizes in inches."""
    figure = new_figure(width, height)
    return figure, figure.subplots()


def new_figure(width: float, height: float) -> Figure:
    """Return a new figure in the style of the reports; sizes in inches."""
    matplotlib.rcParams.update(_STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def as_svg(figure: Figure) -> str:
    """Return the figure as an `<svg>` element with no size of its own, transparent, inked in the page's colour."""
    with io.StringIO() as file:
        figure.savefig(file, format="svg", transparent=True, dpi=150, metadata={"Date": None, "Creator": None})
        text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for name in ("width", "height"):
        text = re.sub(rf'(<svg[^>]*?) {name}="[^"]*"', r"\1", text, count=1)
    return text


def on_its_own(svg: str) -> str:
    """Return a plot as a file of its own, with ink that shows on a light and on a dark page."""
    ink = "<style>svg { color: #1f2328 } @media (prefers-color-scheme: dark) { svg { color: #e6edf3 } }</style>"
    return re.sub(r"(<svg[^>]*>)", rf"\1{ink}", svg, count=1) + "\n"
