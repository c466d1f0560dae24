"""The demo's result as a table, for the terminal and for the report alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from .demo_measure import TORCH
from .demo_results import Results, VariantResult


@dataclass(frozen=True)
class Row:
    """One line of the table: what it shows, a cell for torch and one for each variant."""

    label: str
    cells: tuple[str, ...]


def headings(results: Results) -> tuple[str, ...]:
    """Return the columns' headings, torch first."""
    return (TORCH, *(variant.name for variant in results.variants))


def rows(results: Results) -> list[Row]:
    """Return the table's lines."""
    count = len(results.sentences)
    torch_ms = results.torch_timing.median * 1e3

    def row(label: str, torch: str, cell: Callable[[VariantResult], str]) -> Row:
        return Row(label, (torch, *(cell(variant) for variant in results.variants)))

    everything = results.variants[0].compiled.arithmetic.totals()
    return [
        row("largest error against torch", "", lambda v: f"{v.quality.largest_error:.1e}"),
        row("cosine with torch, least", "", lambda v: f"{float(v.quality.cosines.min()):.6f}"),
        row("cosine with torch, mean", "", lambda v: f"{float(v.quality.cosines.mean()):.6f}"),
        row(f"neighbour as in torch, of {count}", "", lambda v: f"{v.quality.agreeing}"),
        row(
            f"neighbour on topic, of {count}",
            f"{results.same_topic(results.reference)}",
            lambda v: f"{results.same_topic(v.quality)}",
        ),
        row("time per sentence, ms", f"{torch_ms:.2f}", lambda v: f"{v.timing.median * 1e3:.2f}"),
        row("speed beside torch", "1.00x", lambda v: f"{torch_ms / (v.timing.median * 1e3):.2f}x"),
        row("compile time, s", "", _compile_time),
        row(
            f"L-Mul in the code, of {everything.in_code.before.all_multiplies}",
            "",
            lambda v: f"{v.compiled.arithmetic.totals().in_code.after.integer_adds}",
        ),
        row(
            f"L-Mul a batch, of {_short(everything.executed.before.all_multiplies)}",
            "",
            lambda v: _short(v.compiled.arithmetic.totals().executed.after.integer_adds),
        ),
        row("estimated µJ, multiplies *", "", lambda v: f"{v.compiled.energy.multiplies_pj / 1e6:.0f}"),
        row("  with the sums they feed *", "", lambda v: f"{v.compiled.energy.total_pj / 1e6:.0f}"),
    ]


def notes(results: Results) -> list[str]:
    """Return the lines below the table."""
    settings = results.settings
    lines = [
        "Neighbour: the nearest other sentence by cosine. L-Mul in the code: multiplies rewritten in the IR; a batch: "
        "as often as they execute.",
        "* Per sentence, on adder hardware, by published figures for 45 nm: an estimate, nothing that a CPU shows.",
        f"Threads: {settings.threads}. Medians of {settings.repeats} interleaved batches of {settings.batch} "
        f"sentences, padded to {settings.tokens} tokens. L-Mul: k = {settings.mantissa_bits}, truncated, "
        f"policy {settings.specials}.",
        str(results.environment),
    ]
    if settings.specials == "finite":
        lines.insert(2, "Policy finite: operands' magnitudes are clamped into [2^-60, 2^60]; zero counts as 2^-60.")
    return lines


def print_table(results: Results, console: Console) -> None:
    """Print the table and what must be known to read it."""
    facts = results.encoder
    table = Table(
        title=f"{results.settings.model}: {facts.type}, {facts.layers} layers, width {facts.width}, "
        f"{facts.parameters / 1e6:.1f} M weights; {len(results.sentences)} sentences",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    for heading in headings(results):
        table.add_column(heading, justify="right", max_width=12)
    for row in rows(results):
        table.add_row(row.label, *row.cells)
    console.print(table)
    for note in notes(results):
        console.print(note, style="dim", highlight=False)


def _compile_time(variant: VariantResult) -> str:
    text = f"{variant.compiled.seconds:.1f}"
    return f"cached {text}" if variant.compiled.module.from_cache else text


def _short(number: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6)):
        if number >= size:
            return f"{number / size:.2f} {unit}"
    return str(number)
