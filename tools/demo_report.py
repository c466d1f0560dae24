"""The demo's HTML report: one file, nothing outside it is needed to read it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..compiler.stages import stage_pipelines
from ..target import Target
from . import demo_plots as plots
from .demo_measure import TORCH
from .demo_results import Results, VariantResult
from .demo_table import headings, notes, rows
from .pages import page, paragraph, section, table

_MAX_DISAGREEMENTS = 20
_EXAMPLES = 6

_ENERGY = (
    "The energies are an estimate for adder hardware, by M. Horowitz's figures for 45 nm (ISSCC 2014): 3.7 pJ for a "
    "multiply of float32, 0.1 pJ for the integer addition of 32 bits that L-Mul puts in its place, 0.9 pJ for each "
    "float addition of a contraction, which stays. Reading memory is left out. A CPU shows none of this saving."
)


def report(results: Results) -> str:
    """Return the whole page."""
    facts = results.encoder
    title = f"slipstick: {results.settings.model}"
    lead = (
        f"A trained {escape(facts.type)} encoder of {facts.layers} layers and {facts.parameters / 1e6:.1f} million "
        "weights, compiled to native code three times: with exact multiplies, with L-Mul (one integer addition for a "
        "multiply) in attention, and with L-Mul everywhere. Each variant encodes the same "
        f"{len(results.sentences)} sentences as torch."
    )
    sections = [
        section("Result", _result_table(results)),
        section(
            "Error of every element",
            paragraph("How far each element of each embedding (length 1) lies from torch's."),
            plots.error_distribution(results),
        ),
        section(
            "Cosine of every sentence",
            paragraph("How far each sentence's embedding turns away from torch's; sentences in the order of the file."),
            plots.cosine_per_sentence(results),
        ),
        section("Nearest neighbours", *_neighbours(results)),
        section(
            "All pairs of sentences",
            paragraph(
                "Similarity of every two sentences, torch's against the compiled encoder's: on the line they agree."
            ),
            plots.similarities(results),
        ),
        section("Time", *_time(results)),
        section("Multiplies and energy", *_multiplies(results)),
        section("From graph to code", *_pipeline(results)),
        section("How to reproduce", *_reproduce(results)),
    ]
    return page(title, lead, f"{_cards(results)}\n", *sections)


def _cards(results: Results) -> str:
    return f'<div class="cards">{"".join(_card(results, variant) for variant in results.variants)}</div>'


def _card(results: Results, variant: VariantResult) -> str:
    quality = variant.quality
    if variant.compiled.variant.lmul is None:
        big = f"{quality.largest_error:.0e} error"
    else:
        big = f"{float(quality.cosines.mean()):.4f} cosine"
    speed = results.torch_timing.median / variant.timing.median
    small = f"{quality.agreeing} of {len(results.sentences)} nearest neighbours as in torch, {speed:.2f}x its speed"
    return f'<div class="card"><span>{escape(variant.name)}</span><b>{big}</b><span>{small}</span></div>'


def _result_table(results: Results) -> str:
    body = [[escape(row.label), *map(escape, row.cells)] for row in rows(results)]
    return table(["", *map(escape, headings(results))], body) + "".join(
        paragraph(note, "dim") for note in notes(results)
    )


def _neighbours(results: Results) -> Iterable[str]:
    count = len(results.sentences)
    topical = results.same_topic(results.reference)
    yield paragraph(
        f"For each sentence the nearest of the other {count - 1}, by cosine. In torch it is one of the same topic for "
        f"{topical} of {count}. Where a variant chooses another one, a table shows both choices; the margin is by how "
        "much torch preferred its own."
    )
    for variant in results.variants:
        found = results.disagreements[variant.name]
        if not found:
            yield paragraph(f"{variant.name}: the nearest neighbours of all {count} sentences are torch's.")
            continue
        shown = sorted(found, key=lambda d: -d.margin)[:_MAX_DISAGREEMENTS]
        more = "" if len(shown) == len(found) else f" (the {len(shown)} with the largest margins)"
        yield paragraph(f"{variant.name}: {len(found)} of {count} differ{more}.")
        body = [
            [
                _sentence(results, d.sentence),
                _sentence(results, d.torch),
                f'<span class="differs">{_sentence(results, d.found)}</span>',
                f"{d.margin:.4f}",
            ]
            for d in shown
        ]
        yield table(["sentence", "nearest in torch", "nearest here", "margin"], body, "text")
    step = max(1, count // _EXAMPLES)
    body = []
    for number in range(0, count, step):
        nearest = int(results.reference.neighbours[number])
        similarity = float(results.reference.similarities[number, nearest])
        body.append([_sentence(results, number), _sentence(results, nearest), f"{similarity:.3f}"])
    yield "<details><summary>What the encoder finds: some sentences and their nearest neighbours in torch</summary>"
    yield table(["sentence", "nearest", "cosine"], body, "text") + "</details>"


def _sentence(results: Results, number: int) -> str:
    sentence = results.sentences[number]
    return f'{escape(sentence.text)} <span class="tag">{escape(sentence.topic)}</span>'


def _time(results: Results) -> Iterable[str]:
    settings = results.settings
    yield paragraph(
        f"One batch of {settings.batch} sentences of {settings.tokens} tokens (padded; the longest sentence has "
        f"{results.longest}), divided by {settings.batch}. All four ran interleaved in one process, {settings.repeats} "
        f"rounds after warming up, on {settings.threads} {'thread' if settings.threads == 1 else 'threads'} each."
    )
    yield plots.time_bars(results)


def _multiplies(results: Results) -> Iterable[str]:
    everywhere = results.variants[-1].compiled.arithmetic.totals().executed.before
    yield paragraph(
        f"One batch executes {everywhere.all_multiplies:,} floating-point multiplies that the graph asks for. The "
        "polynomials that stand for exp and erf are no part of that and stay exact."
    )
    yield plots.multiplies_by_scope(results)
    body = []
    for variant in results.variants:
        totals = variant.compiled.arithmetic.totals()
        rewritten, executed = totals.executed.after.integer_adds, totals.executed.before.all_multiplies
        body.append(
            [
                escape(variant.name),
                f"{totals.in_code.after.integer_adds:,} of {totals.in_code.before.all_multiplies:,}",
                f"{rewritten:,}",
                f"{rewritten / max(1, executed) * 100:.1f} %",
                f"{variant.compiled.energy.multiplies_pj / 1e6:.0f}",
                f"{variant.compiled.energy.total_pj / 1e6:.0f}",
            ]
        )
    yield table(
        ["", "rewritten in the code", "rewritten a batch", "share", "estimated µJ a sentence, multiplies", "with sums"],
        body,
    )
    yield paragraph(_ENERGY, "dim")


def _pipeline(results: Results) -> Iterable[str]:
    yield paragraph(
        "torch.export → torch-mlir → linalg → rewritten → scheduled → loops → LLVM dialect → LLVM → object code"
    )
    yield paragraph(
        f"Time of compiling, by phase; torch.export before it took {results.export_seconds:.1f} s, once for "
        "all; the phase export is its decomposition into simpler operations."
    )
    yield plots.compile_bars(results)
    for variant in results.variants:
        yield _variant_pipeline(variant)


def _variant_pipeline(variant: VariantResult) -> str:
    lmul = variant.compiled.variant.lmul
    pipelines = stage_pipelines(Target.host(), lmul, variant.compiled.module.options.threads or 1)
    inner = "".join(
        f"<p class='dim'>{escape(stage)}</p><pre>{escape(pipeline.text())}</pre>"
        for stage, pipeline in pipelines.items()
    )
    counted = "\n".join(f"{what}: {count}" for what, count in sorted(variant.compiled.module.statistics.items()))
    inner += f"<p class='dim'>what the passes counted</p><pre>{escape(counted)}</pre>" if counted else ""
    return f"<details><summary>Pipelines of the stages: {escape(variant.name)}</summary>{inner}</details>"


def _reproduce(results: Results) -> Iterable[str]:
    yield paragraph("In a clone of the repository:")
    yield f"<pre>make setup\n.venv/bin/{escape(results.command)}</pre>"
    yield paragraph(str(results.environment), "dim")
    yield paragraph(
        f"Compared with {TORCH} in float32, sdpa attention, the same threads, the same padded batches.", "dim"
    )
