"""The study's result as text: the rules, then the table, the agreement with the reference and the verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from .study_agreement import Agreement
from .study_claims import CLAIMS
from .study_configurations import MANTISSA_BITS, WHERE, Configuration
from .study_results import StudyResults, Summary
from .study_statistics import LEVEL, RESAMPLES

_PAPER: Final = " truncate paper"
"""How L-Mul is named with the rounding and offset of the paper; the first table shows no other."""

HEADINGS: Final = ("", "1 - cosine", "cosine, least", "neighbour, %", "ranks", "on topic, %")


def in_groups(results: StudyResults) -> Iterator[tuple[str, list[Configuration]]]:
    """Yield each scope in words with its configurations, in the order of the study."""
    for scope, words in WHERE.items():
        found = [configuration for configuration in results.summaries if configuration.where == scope]
        if found:
            yield words, found


def rules() -> Iterator[str]:
    """Yield the claims and the rules that decide them."""
    for number, claim in enumerate(CLAIMS, 1):
        yield f"{number}. {claim.text}? {claim.rule} {claim.reason}"


def notes(results: StudyResults) -> Iterator[str]:
    """Yield what must be known to read the table."""
    yield (
        "1 - cosine: with the embedding of torch in f32, mean. Neighbour: the nearest other sentence by cosine is that "
        "of f32. Ranks: Kendall's tau of each sentence's ranking of all others with f32's, mean. On topic: the "
        f"neighbour is of the same topic; in f32 {results.topical / len(results.sentences) * 100:.1f} % are. ± and "
        f"brackets: intervals of {LEVEL * 100:.0f} % by {RESAMPLES:,} bootstrap samples of the sentences, ± half their "
        "width."
    )
    yield (
        "L-Mul and exact: compiled by slipstick, policy finite; truncate and offset paper where nothing else is said. "
        "bf16, fp8: operands rounded (fp8 scaled per tensor by the largest magnitude), products and sums in f32, by "
        "torch, in the same multiplies. Matrix products: those of attention and linear layers; everywhere: the "
        "element-wise multiplies too."
    )
    yield f"Batches of {results.batch} sentences of {results.tokens} tokens. {results.environment}"


def agreement(one: Agreement) -> str:
    """Return what the comparison of compiled code with the reference found."""
    within = "within" if one.within else "NOT WITHIN"
    return (
        f"{one.configuration.name}: {one.contractions} matrix products differ by {one.largest_difference:.1e} at most, "
        f"where the order of summation may make {one.bound:.1e} ({within} the bound everywhere: at most "
        f"{one.share_of_bound * 100:.3g} % of it); embeddings by {one.graph_difference:.1e} at most, where noise in "
        f"the last place of sums and exponentials makes {one.graph_noise:.1e}"
    )


def print_rules(console: Console) -> None:
    """Print what will decide the claims."""
    console.print("The claims of the paper, and what will decide them:", highlight=False)
    for rule in rules():
        console.print(f"  {rule}", highlight=False)


def print_results(results: StudyResults, console: Console) -> None:
    """Print table, notes, agreement and verdicts."""
    console.print(_table(results))
    others = _other_roundings(results)
    if others is not None:
        console.print(others)
    for note in notes(results):
        console.print(note, style="dim", highlight=False)
    console.print("\nCompiled code and the torch reference of L-Mul, one batch:", highlight=False)
    for one in results.agreements:
        console.print(f"  {agreement(one)}", highlight=False, style="" if one.within else "red")
    console.print("\nThe claims of the paper:", highlight=False)
    for number, verdict in enumerate(results.verdicts, 1):
        style = "green" if verdict.holds else "yellow"
        console.print(f"  {number}. {verdict.claim.text}: [{style}]{verdict.text}[/]", highlight=False)
        for finding in verdict.findings:
            console.print(f"     {mark(finding.met)} {finding.text}", highlight=False, markup=False)


def mark(met: bool | None) -> str:
    """Return how a finding is marked that meets the rule, does not, or stands beside it."""
    return "beside it:" if met is None else "met:" if met else "not met:"


def _table(results: StudyResults) -> Table:
    facts = results.encoder
    table = _plain(
        HEADINGS,
        f"{results.model}: {facts.type}, {facts.layers} layers, width {facts.width}, "
        f"{facts.parameters / 1e6:.1f} M weights; {len(results.sentences)} sentences",
    )
    for words, configurations in in_groups(results):
        if words:
            table.add_section()
            table.add_row(f"[dim]{words}[/]")
        for configuration in filter(lambda c: c.as_in_the_paper, configurations):
            table.add_row(configuration.arithmetic.replace(_PAPER, ""), *_cells(results.summaries[configuration]))
    return table


def _cells(summary: Summary) -> tuple[str, ...]:
    return (
        summary.cosine_error.short(".2e", ".0e"),
        f"{summary.least_cosine:.5f}",
        summary.neighbours.short(".1f", ".1f", 100),
        summary.ranks.short(".4f", ".4f"),
        summary.on_topic.short(".1f", ".1f", 100),
    )


def _other_roundings(results: StudyResults) -> Table | None:
    """Return a table of the mean cosine errors by rounding, offset and k; None where only the paper's were measured."""
    if all(configuration.as_in_the_paper for configuration in results.summaries):
        return None
    table = _plain(("", *(f"k={k}" for k in MANTISSA_BITS)), "1 - cosine, mean, by rounding and offset")
    for words, configurations in in_groups(results):
        lines: dict[str, dict[int, str]] = {}
        for configuration in configurations:
            if configuration.lmul is not None and configuration.weights == "f32":
                cells = lines.setdefault(f"{configuration.lmul.rounding} {configuration.lmul.offset}", {})
                cells[configuration.lmul.mantissa_bits] = f"{results.summaries[configuration].cosine_error.mean:.1e}"
        if lines:
            table.add_section()
            table.add_row(f"[dim]{words}[/]")
        for name, cells in lines.items():
            table.add_row(name, *(cells.get(k, "") for k in MANTISSA_BITS))
    return table


def _plain(headings: Sequence[str], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(headings[0])
    for heading in headings[1:]:
        table.add_column(heading, justify="right")
    return table
