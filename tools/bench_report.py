"""The benchmark's HTML report: one file, nothing outside it is needed to read it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from . import bench_plots as plots
from .bench_compile import HEADINGS as COMPILE_HEADINGS
from .bench_compile import NOTE as COMPILE_NOTE
from .bench_compile import compilation_rows, layers_line
from .bench_memory import HEADINGS as MEMORY_HEADINGS
from .bench_memory import NOTE as MEMORY_NOTE
from .bench_memory import memory_rows
from .bench_overhead import overhead_line
from .bench_results import Results
from .bench_summary import summarise
from .bench_table import HEADINGS, lines, setting_lines, summary_lines
from .pages import page, paragraph, section, table

_LEAD = (
    "Transformer graphs compiled to native code by slipstick, beside torch eager and other compilers and run times. "
    "All subjects of a row ran in turns in one process, each after its results had been compared with torch's."
)


def report(results: Results) -> str:
    """Return the whole page."""
    threads = sorted({row.threads for row in results.rows})
    sections: list[str] = []
    if results.rows:
        sections.append(section("Summary", *(paragraph(line) for line in summary_lines(results))))
        sections.append(section("Speed", *(plots.ratio_bars(results, count) for count in threads)))
    drawn = [plot for count in threads if (plot := plots.roofline(results, count)) is not None]
    if drawn:
        sections.append(section("Beside the machine's limits", paragraph(_ROOFLINE), *drawn))
    if results.rows:
        sections.append(section("Figures", *_figures(results)))
    sections += _others(results)
    sections.append(section("Settings", *_settings(results)))
    return page("slipstick: benchmark", _LEAD, _cards(results), *sections)


_ROOFLINE = (
    "A point under the sloping lines is bound by reading, under the level line by arithmetic. Operations are those of "
    "the matrix products, bytes those that must be moved at least once: weights, inputs and results."
)


def _cards(results: Results) -> str:
    summary = summarise(results)
    rows = f"{summary.rows} {'row' if summary.rows == 1 else 'rows'}"
    cards = [
        (value, text)
        for value, text in (
            (summary.over_torch, f"exact over torch eager, geometric mean of {rows}"),
            (summary.over_peers, "exact over the fastest other peer of each row"),
            (summary.lmul_over_exact, "L-Mul over exact"),
        )
        if value is not None
    ]
    inner = "".join(f'<div class="card"><b>{value:.2f}x</b><span>{escape(text)}</span></div>' for value, text in cards)
    return f'<div class="cards">{inner}</div>\n'


def _figures(results: Results) -> Iterable[str]:
    body = []
    for line in lines(results):
        cells = [escape(cell) for cell in line.cells]
        if line.mark == "best":
            cells = [f"<b>{cell}</b>" for cell in cells]
        elif line.mark:
            cells = [f'<span class="differs">{cell}</span>' for cell in cells]
        body.append(cells)
    yield table(map(escape, HEADINGS), body)
    yield paragraph(
        f"Medians of {results.rounds} rounds; ± is half the distance of the quartiles. The fastest exact subject is "
        "bold. GB/s: bytes that must be moved, by the time. Limit: the shortest time that the measured limits allow, "
        "as a share of the time. Error: the largest difference from torch, as a share of the largest magnitude.",
        "dim",
    )


def _others(results: Results) -> Iterable[str]:
    if results.limits:
        body = [
            [
                str(found.threads),
                f"{found.fma_gflops:.1f}",
                f"{found.lmul_gflops:.1f}",
                f"{found.cache_gbs:.1f}",
                f"{found.memory_gbs:.1f}",
            ]
            for found in results.limits
        ]
        head = ["threads", "FMA, GFLOP/s", "L-Mul, GFLOP/s", "reading from L2, GB/s", "from memory, GB/s"]
        yield section("Limits of the machine", table(head, body), paragraph(results.limits_text, "dim"))
    if results.compilation or results.layers:
        parts = []
        if results.compilation:
            parts.append(
                table(
                    COMPILE_HEADINGS, [[escape(cell) for cell in row] for row in compilation_rows(results.compilation)]
                )
            )
            parts.append(paragraph(COMPILE_NOTE, "dim"))
        if results.layers:
            parts.append(paragraph(layers_line(results.layers)))
        yield section("Compile time", *parts)
    if results.memory:
        body = [[escape(cell) for cell in row] for row in memory_rows(results.memory)]
        yield section("Memory", table(MEMORY_HEADINGS, body), paragraph(MEMORY_NOTE, "dim"))
    if results.overhead:
        yield section("Cost of a call", paragraph(overhead_line(results.overhead)))


def _settings(results: Results) -> Iterable[str]:
    body = [list(map(escape, line.split(": ", 1))) for line in setting_lines(results)]
    if body:
        yield table(["subject", "settings"], body, "text")
    yield f"<pre>{escape(results.command)}</pre>"
    yield paragraph(results.environment, "dim")
