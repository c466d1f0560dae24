"""The demo's plots."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from ..kernels.lmul import ScopeClass
from .demo_measure import TORCH
from .demo_results import Results
from .plots import INK, as_svg, figure_and_axes, new_figure

COLOURS = ("#8a8f98", "#2f81f7", "#d29922", "#db61a2")
"""Torch, exact, L-Mul in attention, L-Mul everywhere: told apart on white and on black, and without seeing red."""


def error_distribution(results: Results) -> str:
    """Histogram of the errors of all elements of all embeddings; those without error fall into the first bin."""
    figure, axes = figure_and_axes(7.0, 3.2)
    edges = np.linspace(-10, 0, 61)
    for variant, colour in zip(results.variants, COLOURS[1:], strict=True):
        errors = np.log10(np.maximum(variant.quality.errors.numpy().ravel(), 10.0 ** edges[0]))
        shares = np.histogram(errors, edges)[0] / errors.size * 100
        axes.stairs(shares, edges, color=colour, fill=True, alpha=0.25)
        axes.stairs(shares, edges, color=colour, label=variant.name)
    axes.set_xlabel("|difference from torch| of an element")
    axes.set_ylabel("elements, %")
    axes.xaxis.set_major_formatter(lambda value, _: "≤1e-10" if value == edges[0] else f"1e{value:.0f}")
    axes.set_xlim(edges[0], edges[-1])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return as_svg(figure)


def cosine_per_sentence(results: Results) -> str:
    """Each sentence's distance from torch's embedding, sentences in the order of the file."""
    figure, axes = figure_and_axes(7.0, 3.2)
    numbers = np.arange(len(results.sentences))
    for variant, colour in zip(results.variants, COLOURS[1:], strict=True):
        distances = np.maximum(1 - variant.quality.cosines.numpy(), 1e-16)
        axes.plot(numbers, distances, "o", markersize=3.5, color=colour, label=variant.name)
    axes.set_yscale("log")
    axes.set_xlabel("sentence")
    axes.set_ylabel("1 - cosine with torch")
    axes.grid(axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return as_svg(figure)


def time_bars(results: Results) -> str:
    """Time per sentence, median and quartiles."""
    timings = [results.torch_timing, *(variant.timing for variant in results.variants)]
    names = [TORCH, *(variant.name for variant in results.variants)]
    figure, axes = figure_and_axes(7.0, 2.4)
    medians = np.array([timing.median for timing in timings]) * 1e3
    spread = np.array([[t.median - t.low, t.high - t.median] for t in timings]).T * 1e3
    axes.barh(names, medians, xerr=spread, color=COLOURS, height=0.62, error_kw={"ecolor": INK, "capsize": 3})
    for row, (value, timing) in enumerate(zip(medians, timings, strict=True)):
        _label(axes, timing.high * 1e3, row, f"{value:.2f}")
    axes.invert_yaxis()
    axes.set_xlim(0, max(timing.high for timing in timings) * 1e3 * 1.15)
    axes.set_xlabel(f"ms per sentence, {_threads(results.settings.threads)} (bars: medians, lines: quartiles)")
    axes.tick_params(axis="y", length=0)
    return as_svg(figure)


def similarities(results: Results) -> str:
    """Cosines of all pairs of sentences: torch's against each variant's."""
    figure = new_figure(7.0, 2.9)
    panels = figure.subplots(1, len(results.variants), sharex=True, sharey=True)
    upper = np.triu_indices(len(results.sentences), 1)
    expected = results.reference.similarities.numpy()[upper]
    for axes, variant, colour in zip(np.atleast_1d(panels), results.variants, COLOURS[1:], strict=True):
        found = variant.quality.similarities.numpy()[upper]
        axes.plot([-0.2, 1], [-0.2, 1], color=INK, linewidth=0.6, alpha=0.5)
        axes.plot(expected, found, ".", markersize=2, color=colour, alpha=0.5, rasterized=True)
        axes.set_title(variant.name, fontsize=10)
        axes.set_aspect("equal")
    np.atleast_1d(panels)[0].set_ylabel("cosine, compiled")
    figure.supxlabel("cosine of two sentences, torch", fontsize=10)
    return as_svg(figure)


def multiplies_by_scope(results: Results) -> str:
    """The multiplies of one batch in each scope."""
    scopes: tuple[ScopeClass, ...] = ("linear", "attention", "elementwise")
    arithmetic = results.variants[0].compiled.arithmetic
    values = [arithmetic.totals(scope).executed.before.all_multiplies for scope in scopes]
    figure, axes = figure_and_axes(7.0, 1.7)
    axes.barh(scopes, values, color=COLOURS[1], height=0.6)
    for row, value in enumerate(values):
        _label(axes, value, row, f"{value:,}")
    axes.set_xlim(0, max(values) * 1.3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e9:g}")
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("multiplies of one batch, billions")
    return as_svg(figure)


def compile_bars(results: Results) -> str:
    """Where the time of compiling goes."""
    phases: list[str] = []
    for variant in results.variants:
        phases += [phase for phase in variant.compiled.module.timings if phase not in phases]
    figure, axes = figure_and_axes(7.0, 2.0)
    names = [variant.name for variant in results.variants]
    left = np.zeros(len(names))
    shades = matplotlib.colormaps["viridis"](np.linspace(0.25, 0.85, max(2, len(phases))))
    for phase, shade in zip(phases, shades, strict=False):
        seconds = np.array([variant.compiled.module.timings.get(phase, 0.0) for variant in results.variants])
        axes.barh(names, seconds, left=left, color=shade, height=0.6, label=phase)
        left += seconds
    axes.invert_yaxis()
    axes.set_xlabel("s")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=max(1, len(phases)))
    return as_svg(figure)


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    """Write a bar's value to the right of its end."""
    axes.annotate(text, (x, y), xytext=(6, 0), textcoords="offset points", va="center")


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
