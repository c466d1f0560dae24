"""The study's plots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from .plots import INK, as_svg, new_figure
from .study_configurations import MANTISSA_BITS, WHERE, Configuration, Format
from .study_results import StudyResults, Summary
from .study_statistics import Estimate

_COLOURS: Final = {"paper": "#2f81f7", "unbiased": "#d29922", "min-rms": "#db61a2"}
"""By offset: told apart on white and on black, and without seeing red."""
_LINES: Final = {"truncate": "-", "rne": ":"}
_BASELINES: Final[dict[Format, str]] = {"e5m2": ":", "e4m3": "--", "bf16": "-."}
_SCOPES: Final = ("attention", "linear", "attention+linear", "all")


def cosine_errors(results: StudyResults) -> str:
    """The mean cosine error by the number of mantissa bits, a panel for each scope; horizontal lines: baselines."""
    return _panels(results, lambda summary: summary.cosine_error, "1 - cosine with f32", log=True)


def neighbours(results: StudyResults) -> str:
    """The share of nearest neighbours as in f32, likewise."""
    return _panels(results, lambda summary: summary.neighbours, "neighbour as in f32", log=False)


def ranks(results: StudyResults) -> str:
    """The agreement of rankings, likewise."""
    return _panels(results, lambda summary: summary.ranks, "Kendall's tau with f32", log=False)


def _panels(results: StudyResults, chosen: Callable[[Summary], Estimate], label: str, *, log: bool) -> str:
    scopes = [scope for scope in _SCOPES if any(c.where == scope for c in results.summaries)]
    figure = new_figure(9.0, 3.4)
    panels = np.atleast_1d(figure.subplots(1, len(scopes), sharey=True))
    for axes, scope in zip(panels, scopes, strict=True):
        _lines(axes, results, scope, chosen)
        if log:
            axes.set_yscale("log")
        axes.set_title(WHERE[scope], fontsize=10)
        axes.grid(axis="y")
    panels[0].set_ylabel(label)
    figure.supxlabel("mantissa bits that L-Mul keeps (bars: intervals of 95 %; crosses: weights lm8)", fontsize=10)
    handles: dict[str, Artist] = {}
    for axes in panels:
        found, labels = axes.get_legend_handles_labels()
        handles.update(zip(labels, found, strict=True))
    figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=5, fontsize=8)
    return as_svg(figure)


def _lines(axes: Axes, results: StudyResults, scope: str, chosen: Callable[[Summary], Estimate]) -> None:
    """Draw what was measured in one scope; k = 23 stands next to 7."""
    series: dict[tuple[str, str], dict[int, Estimate]] = {}
    for configuration, summary in results.summaries.items():
        if configuration.where != scope:
            continue
        if configuration.format is not None:
            axes.axhline(
                chosen(summary).mean,
                color=INK,
                linewidth=0.8,
                linestyle=_BASELINES[configuration.format],
                label=configuration.arithmetic,
            )
        elif configuration.lmul is not None:
            _take(axes, configuration, chosen(summary), series)
    for (rounding, offset), points in sorted(series.items(), key=lambda item: item[0] != ("truncate", "paper")):
        places = [MANTISSA_BITS.index(k) for k in points]
        means = np.array([e.mean for e in points.values()])
        spread = np.array([[e.mean - e.low, e.high - e.mean] for e in points.values()]).T
        axes.errorbar(
            places,
            means,
            np.maximum(spread, 0),
            color=_COLOURS[offset],
            linestyle=_LINES[rounding],
            linewidth=1.3,
            marker="o",
            markersize=2.5,
            elinewidth=0.8,
            label=f"{rounding}, {offset}",
        )
    axes.set_xticks(range(len(MANTISSA_BITS)), [str(k) for k in MANTISSA_BITS])


def _take(
    axes: Axes, configuration: Configuration, estimate: Estimate, series: dict[tuple[str, str], dict[int, Estimate]]
) -> None:
    lmul = configuration.lmul
    assert lmul is not None
    if configuration.weights == "f32":
        series.setdefault((lmul.rounding, lmul.offset), {})[lmul.mantissa_bits] = estimate
    else:
        axes.plot(MANTISSA_BITS.index(lmul.mantissa_bits), estimate.mean, "x", color=_COLOURS[lmul.offset])
