"""The SkipDecode study as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from ..datasets.language.phases import ALL_PHASES, CONTINUED, FULL, MIXED, SCHEDULED
from .skip_arithmetic import ARITHMETICS, EXACT
from .skip_quality import BY_TORCH, study_schedules
from .skip_results import Quality, Results
from .study_statistics import LEVEL, RESAMPLES

NAMES = {
    FULL: "trained at full depth",
    SCHEDULED: "then with schedules",
    CONTINUED: "then at full depth, as long",
    MIXED: "with schedules from the beginning",
}
"""The trained models in words."""


@dataclass(frozen=True)
class Rows:
    """A table: what it is about, its headings, its cells."""

    title: str
    headings: tuple[str, ...]
    cells: Sequence[tuple[str, ...]]


def tables(results: Results) -> Iterator[Rows]:
    """Yield the tables of what there is: quality, other arithmetics, speed."""
    if results.find(FULL, BY_TORCH):
        yield _quality(results)
    if results.find(FULL, EXACT.name):
        yield _arithmetics(results)
    if results.speed:
        yield _speed(results)


def _quality(results: Results) -> Rows:
    cells = []
    control = next(iter(results.find(CONTINUED, BY_TORCH)), None)
    for phase in ALL_PHASES:
        found = results.find(phase, BY_TORCH)
        for one in found:
            cells.append(
                (
                    NAMES[phase],
                    f"{one.share:g}",
                    f"{one.mean_depth:.2f}",
                    one.perplexity.text(".2f"),
                    _percent(one),
                    _beside(one, found[0]),
                    "" if control is None else _beside(one, control),
                    *(f"{perplexity:.2f}" for perplexity in one.parts.values()),
                    one.accuracy.text(".1f", 100),
                    one.agreement.text(".1f", 100),
                )
            )
    parts = tuple(results.find(FULL, BY_TORCH)[0].parts)
    beside = ("beside full, %", "own, %", "control, %")
    headings = ("model", "share", "depth", "perplexity", *beside, *parts, "right, %", "as full, %")
    return Rows("Quality along schedules, exact", headings, cells)


def _percent(one: Quality) -> str:
    low, mean, high = (100 * (value - 1) for value in (one.of_full.low, one.of_full.mean, one.of_full.high))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _beside(one: Quality, other: Quality) -> str:
    return f"{100 * (one.perplexity.mean / other.perplexity.mean - 1):+.1f}"


def _arithmetics(results: Results) -> Rows:
    cells = []
    for phase in (FULL, SCHEDULED):
        for arithmetic in ARITHMETICS:
            for one in results.find(phase, arithmetic.name):
                speed = results.speed_of(arithmetic.name, one.share)
                cells.append(
                    (
                        NAMES[phase],
                        arithmetic.name,
                        f"{one.share:g}",
                        one.perplexity.text(".2f"),
                        "" if arithmetic is EXACT else one.of_exact.text(".3f"),
                        one.accuracy.text(".1f", 100),
                        one.agreement.text(".1f", 100),
                        "" if speed is None else f"{speed.tokens_per_second:,.0f}",
                    )
                )
    headings = ("model", "arithmetic", "share", "perplexity", "beside exact", "right, %", "as full, %", "tokens/s")
    return Rows("Quality in each arithmetic, compiled (fp8: by torch)", headings, cells)


def _speed(results: Results) -> Rows:
    cells = [
        (
            one.arithmetic,
            f"{one.share:g}",
            f"{one.mean_depth:.2f}",
            f"{one.tokens_per_second:,.0f}",
            f"{one.of_layers:.2f}x",
            f"{one.nominal:.2f}x",
            f"{one.measured:.2f}x",
            f"{one.measured / one.nominal:.2f}",
            f"{one.tokens_per_second / results.torch_tokens_per_second:.2f}x",
        )
        for one in results.speed
    ]
    headings = ("arithmetic", "share", "depth", "tokens/s", "by layers", "nominal", "measured", "ratio", "of torch")
    return Rows("Speed of decode steps", headings, cells)


def notes(results: Results) -> Iterator[str]:
    """Yield what must be known to read the tables."""
    settings = results.settings
    windows = next((one.windows for one in results.find(FULL, BY_TORCH)), 0)
    few = next((one.windows for one in results.find(FULL, EXACT.name)), 0)
    if results.quality:
        yield (
            f"Quality: held-out text, {windows} windows of {settings['tokens']} tokens ({few} in each arithmetic), of "
            f"which the first {settings['prompt']} are the prompt, at full depth; only the others count. Share: mean "
            "depth of the schedule over the layers. Beside full: perplexity beside that of the model trained at full "
            "depth, run at full depth; own: beside that of the same model at full depth; control: beside that of the "
            "model that went on at full depth, run so. Right: tokens that were the likeliest. As full: the full "
            "model's greedy continuations, how many of their tokens are the likeliest behind the same tokens. Notes "
            "and documentation: their own perplexities."
        )
        ends = (
            f"share {share:g} {one.max_layers} to {one.min_layers}"
            for share, one in study_schedules(settings["layers"], settings["prompt"], settings["tokens"]).items()
            if share < 1
        )
        yield f"Layers that run behind the prompt, at first and at last, in a straight line: {', '.join(ends)}."
        yield f"Brackets: intervals of {LEVEL * 100:.0f} % by {RESAMPLES:,} bootstrap samples of windows, paired."
        yield (
            "L-Mul: everywhere, policy finite. lm8: 8-bit weights of linear layers and language head. fp8: operands of "
            "matrix products rounded, scaled per tensor, by torch; it has no speed here."
        )
    if results.speed:
        yield (
            f"Speed: batch {settings['batch']}, {settings['threads']} thread(s), medians of {settings['rounds']} "
            "generations, decode steps alone. By layers: all over the mean depth. Nominal: bytes of a step at full "
            "depth over the mean of the schedule's. Of torch: torch eager with a cache at full depth, "
            f"{results.torch_tokens_per_second:,.0f} tokens a second."
        )


def print_results(results: Results, console: Console) -> None:
    """Print all tables and notes."""
    for rows in tables(results):
        console.print(f"\n[bold]{rows.title}[/]")
        console.print(_as_table(rows.headings, rows.cells))
    for note in notes(results):
        console.print(note, markup=False, highlight=False)


def _as_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    texts = sum(all(not row[number][:1].isdigit() for row in cells) for number in range(2))
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number < texts else "right", no_wrap=True)
    before: tuple[str, ...] = ()
    for row in cells:
        # What is as in the line above is not said again.
        shown = ["" if row[: n + 1] == before[: n + 1] else row[n] for n in range(texts)]
        table.add_row(*shown, *row[texts:])
        before = tuple(row[:texts])
    return table
