"""The SkipDecode study as one HTML page, and its plots as files."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from ..compiler.skip_schedule import SkipSchedule
from ..datasets.language.phases import FULL
from ..files import write_atomically
from .pages import page, paragraph, section, table
from .plots import as_svg, on_its_own
from .skip_arithmetic import EXACT
from .skip_plots import quality_by_depth, quality_by_speed, schedules, speed_by_position
from .skip_quality import BY_TORCH
from .skip_results import Results
from .skip_table import notes, tables

_TITLES = {
    "schedules": "The schedules",
    "quality": "Quality by mean depth",
    "quality-speed": "Quality against speed",
    "speed": "Nominal and measured speed-up by position",
}


def figures(results: Results, of_shares: Mapping[float, SkipSchedule], layers: int) -> dict[str, Figure]:
    """Return the plots of what there is, by name."""
    found = {"schedules": schedules(of_shares, layers)}
    if results.find(FULL, BY_TORCH):
        found["quality"] = quality_by_depth(results)
    if results.find(FULL, EXACT.name) and results.speed:
        found["quality-speed"] = quality_by_speed(results)
    if results.speed:
        found["speed"] = speed_by_position(results, results.settings["prompt"])
    return found


def report(results: Results, drawn: Mapping[str, Figure], command: str) -> str:
    """Return the whole page; nothing outside it is needed to read it."""
    plots = (section(_TITLES[name], as_svg(figure)) for name, figure in drawn.items())
    found = (
        section(rows.title, table(map(escape, rows.headings), [[*map(escape, row)] for row in rows.cells]))
        for rows in tables(results)
    )
    return page(
        "slipstick: what SkipDecode does to a small language model",
        f"An OPT of {results.settings['layers']} layers, trained on real text with and without the schedules that "
        "leave layers out at later positions: how well it foresees text that it has not seen, and how fast it runs.",
        *plots,
        *found,
        section("How to read it", *(paragraph(note) for note in notes(results))),
        section("How to reproduce", f"<pre>{escape(command)}</pre>"),
    )


def write_figures(drawn: Mapping[str, Figure], folder: Path) -> None:
    """Write each plot as SVG and as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in drawn.items():
        write_atomically(folder / f"{name}.svg", on_its_own(as_svg(figure)))
        figure.savefig(folder / f"{name}.png", dpi=150, facecolor="white")
