"""The SkipDecode study's plots: quality against speed, and nominal against measured speed-up by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure

from ..compiler.skip_schedule import SkipSchedule
from ..datasets.language.phases import ALL_PHASES, CONTINUED, FULL, MIXED, SCHEDULED
from ..datasets.skip_picture import draw_schedule
from .plots import new_figure
from .skip_arithmetic import ARITHMETICS, EXACT
from .skip_quality import BY_TORCH
from .skip_results import Results
from .skip_table import NAMES

_COLOURS: Final = {FULL: "#d29922", SCHEDULED: "#2f81f7", CONTINUED: "#7f7f7f", MIXED: "#3fb950"}
_MARKS: Final = ("o", "s", "^", "v", "x")


def quality_by_depth(results: Results) -> Figure:
    """Perplexity of each model by the share of its layers that run in the mean; bars are intervals."""
    figure = new_figure(7.5, 3.6)
    axes = figure.subplots()
    for phase in ALL_PHASES:
        found = results.find(phase, BY_TORCH)
        if not found:
            continue
        mean = [one.perplexity.mean for one in found]
        bars = [
            [one.perplexity.mean - one.perplexity.low for one in found],
            [one.perplexity.high - one.perplexity.mean for one in found],
        ]
        shares = [one.share for one in found]
        axes.errorbar(shares, mean, bars, fmt="o-", color=_COLOURS[phase], label=NAMES[phase], capsize=2)
    axes.set_yscale("log")
    axes.set_xlabel("mean depth, share of the layers")
    axes.set_ylabel("perplexity")
    axes.grid(axis="y")
    axes.legend(fontsize=8)
    return figure


def quality_by_speed(results: Results) -> Figure:
    """Perplexity against tokens a second, in each arithmetic that has a speed; a mark for each schedule."""
    figure = new_figure(7.5, 3.6)
    axes = figure.subplots()
    compiled = [arithmetic for arithmetic in ARITHMETICS if arithmetic.is_compiled]
    for phase in (FULL, SCHEDULED):
        for arithmetic, mark in zip(compiled, _MARKS, strict=False):
            pairs = [
                (speed.tokens_per_second, one.perplexity.mean)
                for one in results.find(phase, arithmetic.name)
                if (speed := results.speed_of(arithmetic.name, one.share)) is not None
            ]
            if pairs:
                label = f"{NAMES[phase]}, {arithmetic.name}"
                style = "-" if arithmetic is EXACT else ":"
                axes.plot(*zip(*pairs, strict=True), style + mark, color=_COLOURS[phase], label=label, markersize=5)
    axes.set_yscale("log")
    axes.set_xlabel("tokens a second")
    axes.set_ylabel("perplexity")
    axes.grid()
    axes.legend(fontsize=7)
    return figure


def speed_by_position(results: Results, start: int) -> Figure:
    """Speed-up over full depth of each decode step, exact: nominal and measured, a panel for each schedule."""
    found = [one for one in results.speed if one.arithmetic == EXACT.name and one.share < 1]
    figure = new_figure(9.0, 2.8)
    for axes, one in zip(_panels(figure, len(found)), found, strict=True):
        positions = np.arange(start, start + len(one.nominal_at))
        axes.plot(positions, one.measured_at, color="#2f81f7", linewidth=0.8, label="measured")
        axes.plot(positions, one.nominal_at, "--", color="#7f7f7f", label="nominal")
        axes.set_title(f"share {one.share:g}", fontsize=9)
        axes.grid(axis="y")
    figure.axes[0].set_ylabel("speed-up")
    figure.axes[0].legend(fontsize=8)
    figure.supxlabel("position", fontsize=10)
    return figure


def schedules(of_shares: Mapping[float, SkipSchedule], layers: int) -> Figure:
    """The layers that run at each position, a panel for each schedule."""
    figure = new_figure(9.0, 2.2)
    for axes, (share, schedule) in zip(_panels(figure, len(of_shares)), of_shares.items(), strict=True):
        draw_schedule(axes, schedule, layers)
        axes.set_title(f"share {share:g}", fontsize=9)
    return figure


def _panels(figure: Figure, count: int) -> Sequence[Any]:
    return list(np.atleast_1d(figure.subplots(1, count, sharey=True)))
