"""The plots of the benchmark's report."""

from __future__ import annotations

import numpy as np

from .bench_results import Results, Row, SubjectResult
from .plots import INK, as_svg, figure_and_axes

COLOURS = {
    "torch": "#8a8f98",
    "exact": "#2f81f7",
    "L-Mul": "#db61a2",
    "inductor": "#d29922",
    "onnxruntime": "#3fb950",
    "openvino": "#a371f7",
    "iree": "#f0883e",
}
_OTHER = "#56b4e9"
_BAR = 0.13


def subject_names(results: Results) -> list[str]:
    """Return the subjects that were timed, torch eager last."""
    names: list[str] = []
    for row in results.rows:
        names += [s.name for s in row.subjects if s.timing is not None and s.name not in names]
    return sorted(names, key=lambda name: name == "torch")


def ratio_bars(results: Results, threads: int) -> str:
    """Speed of every subject on every graph, in times torch eager's; as an `<svg>`."""
    rows = [row for row in results.rows if row.threads == threads and any(s.speed for s in row.subjects)]
    names = [name for name in subject_names(results) if name != "torch"]
    figure, axes = figure_and_axes(7.5, 0.9 + len(rows) * (0.2 + _BAR * len(names)))
    step = len(names) + 1.5
    longest: float = 1.0
    for number, name in enumerate(names):
        places: list[float] = []
        values: list[float] = []
        for place, row in enumerate(rows):
            subject = row.subject(name)
            if subject is not None and subject.speed is not None:
                places.append(place * step + number)
                values.append(subject.speed)
        axes.barh(places, values, height=0.9, color=COLOURS.get(name, _OTHER), label=name)
        longest = max(longest, *values) if values else longest
        for at, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.2f}", (value, at), xytext=(3, 0), textcoords="offset points", va="center", fontsize=6
            )
    axes.axvline(1.0, color=INK, linewidth=0.8)
    axes.set_yticks([place * step + (len(names) - 1) / 2 for place in range(len(rows))], [row.graph for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * 1.1)
    axes.set_xlabel(f"speed, torch eager = 1; {threads} {'thread' if threads == 1 else 'threads'}")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return as_svg(figure)


def roofline(results: Results, threads: int) -> str | None:
    """Operations a second against operations a byte, each graph and subject a point under the measured limits.

    As an `<svg>`; `None` where no limits were measured on that many threads, or no graph has products.
    """
    limits = results.limit(threads)
    rows = [row for row in results.rows if row.threads == threads and row.flops]
    rows = [row for row in rows if any(subject.timing for subject in row.subjects)]
    if limits is None or not rows:
        return None
    figure, axes = figure_and_axes(7.5, 4.6)
    intensities = [_intensity(row, subject) for row in rows for subject in row.subjects]
    low, high = min(0.1, *intensities) / 1.5, max(100.0, *intensities) * 1.5
    across = np.geomspace(low, high, 200)
    for bandwidth, label, style in (
        (limits.memory_gbs, f"memory, {limits.memory_gbs:.0f} GB/s", "-"),
        (limits.cache_gbs, f"L2, {limits.cache_gbs:.0f} GB/s", ":"),
    ):
        axes.plot(across, np.minimum(limits.fma_gflops, across * bandwidth), style, color=INK, linewidth=1)
        place = max(low * 1.1, 0.02)
        axes.annotate(
            label,
            (place, place * bandwidth),
            xytext=(2, 4),
            textcoords="offset points",
            fontsize=7,
            rotation=32,
            rotation_mode="anchor",
        )
    axes.axhline(limits.lmul_gflops, color=COLOURS["L-Mul"], linewidth=0.8, linestyle="--")
    for value, label in ((limits.fma_gflops, "FMA"), (limits.lmul_gflops, "L-Mul")):
        axes.annotate(
            f"{label}, {value:.0f} GFLOP/s",
            (high, value),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            fontsize=7,
        )
    for name in subject_names(results):
        points = [(row, subject) for row in rows if (subject := row.subject(name)) is not None and subject.timing]
        axes.plot(
            [_intensity(row, subject) for row, subject in points],
            [(row.flops or 0) / subject.timing.median / 1e9 for row, subject in points if subject.timing],
            "o",
            markersize=4.5 if name == "exact" else 3.5,
            zorder=4 if name == "exact" else 3,
            color=COLOURS.get(name, _OTHER),
            alpha=0.9,
            label=name,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_xlabel("operations for each byte that must be moved")
    axes.set_ylabel("GFLOP/s")
    axes.grid(which="major")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return as_svg(figure)


def _intensity(row: Row, subject: SubjectResult) -> float:
    return (row.flops or 0) / max(1, row.bytes - subject.saved_bytes)
