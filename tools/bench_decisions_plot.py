"""Plots of decisions: shares of the optimum by policy, and the candidates of one nest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..compiler.regret import NestRegret, summary
from .plots import INK, figure_and_axes

_COLOURS = {"heuristic": "#4477aa", "search": "#228833", "model": "#ee6677", "random": "#aaaaaa"}


def plot_regret(found: Sequence[NestRegret], path: Path) -> None:
    """Draw, for each nest, the share of the optimum of each policy, and its geometric mean by measurements."""
    figure, axes = figure_and_axes(9, 1.2 + 0.28 * len(found))
    places = range(len(found))
    for policy, k in (("random", 0), ("search", 5), ("model", 0), ("heuristic", 0)):
        shares = [100 * one.shares[policy][k] for one in found if policy in one.shares]
        if len(shares) == len(found):
            label = f"{policy}, {k} measured: {100 * summary(found)[policy][k][0]:.1f} % (geometric mean)"
            axes.scatter(shares, places, color=_COLOURS[policy], label=label, s=28, zorder=3)
    axes.set_yticks(list(places), [one.what for one in found], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("share of the measured optimum, %")
    axes.axvline(100, color=INK, linewidth=0.8)
    axes.grid(axis="x")
    axes.legend(loc="lower left", fontsize=8)
    save(figure, path)


def plot_candidates(
    title: str, names: Sequence[str], seconds: Sequence[float | None], scores: Sequence[float | None], path: Path
) -> None:
    """Draw the candidates of one nest: measured time in µs as bars, and the model's score, scaled, as dots."""
    figure, axes = figure_and_axes(9, 1.2 + 0.2 * len(names))
    places = list(range(len(names)))
    times = [0.0 if value is None else value * 1e6 for value in seconds]
    axes.barh(places, times, color=_COLOURS["heuristic"], label="measured, µs")
    known = [(value, place) for place, value in enumerate(scores) if value is not None]
    if known:
        scale = (times[0] or 1.0) / (known[0][0] or 1.0)
        axes.scatter(
            [value * scale for value, _ in known],
            [place for _, place in known],
            color=_COLOURS["model"],
            label="predicted, scaled to the heuristic's",
            s=16,
            zorder=3,
        )
    axes.set_yticks(places, names, fontsize=7)
    axes.invert_yaxis()
    axes.set_title(title, loc="left", fontsize=9)
    axes.legend(loc="lower right", fontsize=8)
    save(figure, path)


def save(figure: object, path: Path) -> None:
    """Write a figure; its ink is dark, on white."""
    assert hasattr(figure, "savefig")
    figure.savefig(path, dpi=150, facecolor="white")
