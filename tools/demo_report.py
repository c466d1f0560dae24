"""The demo's HTML report: one file, nothing outside it is needed to read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..compiler.stages import stage_pipelines
from ..target import Target
from . import demo_plots as plots
from .demo_measure import TORCH
from .demo_results import Results, VariantResult
from .demo_table import headings, notes, rows

_MAX_DISAGREEMENTS = 20
_EXAMPLES = 6

_ENERGY = (
    "The energies are an estimate for adder hardware, by M. Horowitz's figures for 45 nm (ISSCC 2014): 3.7 pJ for a "
    "multiply of float32, 0.1 pJ for the integer addition of 32 bits that L-Mul puts in its place, 0.9 pJ for each "
    "float addition of a contraction, which stays. Reading memory is left out. A CPU shows none of this saving."
)

_CSS = """
:root { color-scheme: light dark; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --page: #ffffff; --card: #f6f8fa;
  --accent: #0969da; --warn: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --line: #3d444d; --page: #0d1117;
  --card: #151b23; --accent: #4493f8; --warn: #d29922; } }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.75rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; } .dim { color: var(--dim); font-size: .9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.card b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--dim); font-size: .85rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .5rem 0; }
td { white-space: nowrap; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; white-space: pre; }
table.text td, table.text th { text-align: left; white-space: normal; }
svg { width: 100%; height: auto; max-width: 46rem; display: block; color: var(--ink); margin: .5rem 0; }
svg text { font-family: inherit; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  overflow-x: auto; font-size: .82rem; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: .4rem 0; } summary { cursor: pointer; color: var(--accent); }
@media (max-width: 40rem) { th:first-child, td:first-child { white-space: pre-wrap; } }
.tag { color: var(--dim); font-size: .8rem; } .differs { color: var(--warn); }
"""


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
        _section("Result", _result_table(results)),
        _section(
            "Error of every element",
            _p("How far each element of each embedding (length 1) lies from torch's."),
            plots.error_distribution(results),
        ),
        _section(
            "Cosine of every sentence",
            _p("How far each sentence's embedding turns away from torch's; sentences in the order of the file."),
            plots.cosine_per_sentence(results),
        ),
        _section("Nearest neighbours", *_neighbours(results)),
        _section(
            "All pairs of sentences",
            _p("Similarity of every two sentences, torch's against the compiled encoder's: on the line they agree."),
            plots.similarities(results),
        ),
        _section("Time", *_time(results)),
        _section("Multiplies and energy", *_multiplies(results)),
        _section("From graph to code", *_pipeline(results)),
        _section("How to reproduce", *_reproduce(results)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<p>{lead}</p>\n{_cards(results)}\n{''.join(sections)}</body></html>\n"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n" + "\n".join(parts) + "</section>\n"


def _p(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


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


def _table(head: Iterable[str], body: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table; cells are HTML."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in body)
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{top}</tr></thead><tbody>\n{lines}</tbody></table></div>'
    )


def _result_table(results: Results) -> str:
    body = [[escape(row.label), *map(escape, row.cells)] for row in rows(results)]
    return _table(["", *map(escape, headings(results))], body) + "".join(_p(note, "dim") for note in notes(results))


def _neighbours(results: Results) -> Iterable[str]:
    count = len(results.sentences)
    topical = results.same_topic(results.reference)
    yield _p(
        f"For each sentence the nearest of the other {count - 1}, by cosine. In torch it is one of the same topic for "
        f"{topical} of {count}. Where a variant chooses another one, a table shows both choices; the margin is by how "
        "much torch preferred its own."
    )
    for variant in results.variants:
        found = results.disagreements[variant.name]
        if not found:
            yield _p(f"{variant.name}: the nearest neighbours of all {count} sentences are torch's.")
            continue
        shown = sorted(found, key=lambda d: -d.margin)[:_MAX_DISAGREEMENTS]
        more = "" if len(shown) == len(found) else f" (the {len(shown)} with the largest margins)"
        yield _p(f"{variant.name}: {len(found)} of {count} differ{more}.")
        body = [
            [
                _sentence(results, d.sentence),
                _sentence(results, d.torch),
                f'<span class="differs">{_sentence(results, d.found)}</span>',
                f"{d.margin:.4f}",
            ]
            for d in shown
        ]
        yield _table(["sentence", "nearest in torch", "nearest here", "margin"], body, "text")
    step = max(1, count // _EXAMPLES)
    body = []
    for number in range(0, count, step):
        nearest = int(results.reference.neighbours[number])
        similarity = float(results.reference.similarities[number, nearest])
        body.append([_sentence(results, number), _sentence(results, nearest), f"{similarity:.3f}"])
    yield "<details><summary>What the encoder finds: some sentences and their nearest neighbours in torch</summary>"
    yield _table(["sentence", "nearest", "cosine"], body, "text") + "</details>"


def _sentence(results: Results, number: int) -> str:
    sentence = results.sentences[number]
    return f'{escape(sentence.text)} <span class="tag">{escape(sentence.topic)}</span>'


def _time(results: Results) -> Iterable[str]:
    settings = results.settings
    yield _p(
        f"One batch of {settings.batch} sentences of {settings.tokens} tokens (padded; the longest sentence has "
        f"{results.longest}), divided by {settings.batch}. All four ran interleaved in one process, {settings.repeats} "
        f"rounds after warming up, on {settings.threads} {'thread' if settings.threads == 1 else 'threads'} each."
    )
    yield plots.time_bars(results)


def _multiplies(results: Results) -> Iterable[str]:
    everywhere = results.variants[-1].compiled.multiplies
    yield _p(
        f"One batch executes {everywhere.executions:,} floating-point multiplies that the graph asks for. The "
        "polynomials that stand for exp and erf are no part of that and stay exact."
    )
    yield plots.multiplies_by_scope(results)
    body = []
    for variant in results.variants:
        counts = variant.compiled.multiplies
        lmul = counts.select(lmul=True)
        body.append(
            [
                escape(variant.name),
                f"{lmul.operations:,} of {counts.operations:,}",
                f"{lmul.executions:,}",
                f"{lmul.executions / max(1, counts.executions) * 100:.1f} %",
                f"{variant.compiled.energy.multiplies_pj / 1e6:.0f}",
                f"{variant.compiled.energy.total_pj / 1e6:.0f}",
            ]
        )
    yield _table(
        ["", "rewritten in the code", "rewritten a batch", "share", "estimated µJ a sentence, multiplies", "with sums"],
        body,
    )
    yield _p(_ENERGY, "dim")


def _pipeline(results: Results) -> Iterable[str]:
    yield _p("torch.export → torch-mlir → linalg → rewritten → scheduled → loops → LLVM dialect → LLVM → object code")
    yield _p(
        f"Time of compiling, by phase; torch.export before it took {results.export_seconds:.1f} s, once for "
        "all; the phase export is its decomposition into simpler operations."
    )
    yield plots.compile_bars(results)
    for variant in results.variants:
        yield _variant_pipeline(variant)


def _variant_pipeline(variant: VariantResult) -> str:
    lmul = variant.compiled.variant.lmul
    pipelines = stage_pipelines(Target.host(), lmul, (variant.compiled.module.options.threads or 1) > 1)
    inner = "".join(
        f"<p class='dim'>{escape(stage)}</p><pre>{escape(pipeline.text())}</pre>"
        for stage, pipeline in pipelines.items()
    )
    counted = "\n".join(f"{what}: {count}" for what, count in sorted(variant.compiled.module.statistics.items()))
    inner += f"<p class='dim'>what the passes counted</p><pre>{escape(counted)}</pre>" if counted else ""
    return f"<details><summary>Pipelines of the stages: {escape(variant.name)}</summary>{inner}</details>"


def _reproduce(results: Results) -> Iterable[str]:
    yield _p("In a clone of the repository:")
    yield f"<pre>make setup\n.venv/bin/{escape(results.command)}</pre>"
    yield _p(str(results.environment), "dim")
    yield _p(f"Compared with {TORCH} in float32, sdpa attention, the same threads, the same padded batches.", "dim")
