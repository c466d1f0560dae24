"""The study's HTML report: one file, nothing outside it is needed to read it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from . import study_plots as plots
from .pages import page, paragraph, section, table
from .study_results import StudyResults, Summary
from .study_table import agreement, in_groups, mark, notes, rules

_HEADINGS = (
    "",
    "1 - cosine with f32, mean",
    "cosine, least",
    "neighbour as in f32, %",
    "Kendall's tau with f32",
    "neighbour on topic, %",
)


def report(results: StudyResults) -> str:
    """Return the whole page."""
    facts = results.encoder
    lead = (
        f"{escape(results.model)}, a trained {escape(facts.type)} encoder of {facts.layers} layers and "
        f"{facts.parameters / 1e6:.1f} million weights, encodes {len(results.sentences)} sentences with L-Mul in the "
        "place of multiplies, compiled to native code, and with operands rounded to bf16 and to fp8. Every embedding "
        "is compared with torch's in float32."
    )
    return page(
        f"slipstick: what L-Mul does to {results.model}",
        lead,
        f'<div class="cards">{"".join(_cards(results))}</div>\n',
        section("The claims of the paper", *_claims(results)),
        section(
            "Distance from float32",
            paragraph("How far embeddings turn away from those in float32, by the mantissa bits that L-Mul keeps."),
            plots.cosine_errors(results),
        ),
        section(
            "Nearest neighbours",
            paragraph("The share of sentences whose nearest neighbour is the same as in float32."),
            plots.neighbours(results),
        ),
        section(
            "Rankings",
            paragraph("How each sentence's ranking of all others by similarity agrees with that in float32."),
            plots.ranks(results),
        ),
        section("All figures", *_figures(results)),
        section("Compiled code and the torch reference", *_agreement(results)),
        section("How to reproduce", *_reproduce(results)),
    )


def _cards(results: StudyResults) -> Iterator[str]:
    for number, verdict in enumerate(results.verdicts, 1):
        yield (
            f'<div class="card"><span>claim {number}</span><b>{verdict.text}</b>'
            f"<span>{escape(verdict.claim.text)}</span></div>"
        )


def _claims(results: StudyResults) -> Iterator[str]:
    yield paragraph("The rules are part of the program, which prints them before it measures.")
    for rule, verdict in zip(rules(), results.verdicts, strict=True):
        yield paragraph(rule)
        body = [[escape(mark(finding.met)), escape(finding.text)] for finding in verdict.findings]
        yield table([escape(verdict.text), ""], body, "text")


def _figures(results: StudyResults) -> Iterator[str]:
    for words, configurations in in_groups(results):
        body = [[escape(c.arithmetic), *_cells(results.summaries[c])] for c in configurations]
        yield table([escape(words), *map(escape, _HEADINGS[1:])], body)
    for note in notes(results):
        yield paragraph(note, "dim")


def _cells(summary: Summary) -> tuple[str, ...]:
    return (
        summary.cosine_error.text(".2e"),
        f"{summary.least_cosine:.5f}",
        summary.neighbours.text(".1f", 100),
        summary.ranks.text(".4f"),
        summary.on_topic.text(".1f", 100),
    )


def _agreement(results: StudyResults) -> Iterator[str]:
    yield paragraph(
        "Every matrix product of one batch by the compiled kernel and by the torch reference, with the same operands; "
        "then the whole graph. L-Mul has steps, where a last bit that differs becomes a visible one: what that does to "
        "embeddings is measured by adding noise in the last place to the reference's sums and exponentials."
    )
    for one in results.agreements:
        yield paragraph(agreement(one))


def _reproduce(results: StudyResults) -> Iterator[str]:
    yield paragraph("In a clone of the repository:")
    yield f"<pre>make setup\n.venv/bin/{escape(results.command)}</pre>"
    yield paragraph(str(results.environment), "dim")
