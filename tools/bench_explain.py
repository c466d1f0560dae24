"""`slipstick-bench explain`: the candidates of kernels, what is predicted of each, the choice, and the truth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ..compiler.candidate_score import TIME
from ..compiler.candidate_texts import KernelTexts
from ..compiler.model_policy import Scored, chosen, scored
from ..compiler.ranking import Ranking, released_ranker
from ..compiler.search import Search
from ..compiler.search_store import SearchStore
from ..costmodel.predictor import Predicted, Prediction, Predictor
from ..costmodel.ranker import Ranker
from ..datasets.corpus.assembly import CompiledLabels
from ..errors import ArgumentError, SlipstickError
from ..kernels.choice import Choice
from ..passes.candidates import candidates
from ..passes.nests import Nest
from ..target import Target
from .bench_decisions_spills import compiled_labels
from .bench_nests import add_flags, choice_text, read_sources, text_model
from .files import check_writable
from .flags import integer_flag

SHOWN = ("vector_registers", "spills", "utilisation", "cycles", TIME)
"""Predicted quantities in the table, as far as the model has them."""


@dataclass(frozen=True)
class Line:
    """One candidate, with what is known of it."""

    choice: Choice
    scored: Scored | None
    truth: CompiledLabels | None
    seconds: float | None
    marks: tuple[str, ...]
    """`heuristic`, `model`, `best`: whose choice it is."""

    def json(self) -> dict[str, Any]:
        """Return what is known as JSON."""
        predicted = self.scored.predicted.json() if self.scored and self.scored.predicted else None
        compiled = None if self.truth is None else {name: getattr(self.truth, name) for name in _TRUTH}
        found = {"choice": self.choice.json(), "marks": list(self.marks), "predicted": predicted}
        score = self.scored.score if self.scored else None
        return {**found, "score": score, "compiled": compiled, "seconds": self.seconds}


_TRUTH = ("vector_registers", "spills", "instructions")


def explain(program: str, argv: Sequence[str]) -> int:
    """Show what the arguments ask for; return the exit status."""
    arguments = _parser(program).parse_args(argv)
    for path in (arguments.json, arguments.plot):
        if path is not None:
            check_writable(path, "--json" if path is arguments.json else "--plot")
    target = Target.resolve(arguments.target)
    if arguments.measure and not target.is_host_compatible():
        raise SlipstickError(f"--measure: code for {target.cpu} cannot be run on this machine")
    source = read_sources([arguments.graph], arguments, target)[0]
    if arguments.nest is None:
        _list(source.nests)
        return 0
    if not arguments.nest < len(source.nests):
        raise ArgumentError(f"--nest: expected below {len(source.nests)}, found {arguments.nest}")
    nest = source.nests[arguments.nest]
    ranker = released_ranker(arguments.model)
    model = text_model(arguments.model, ranker)
    lines = explained(nest, target, model, ranker, compiles=arguments.compile, measures=arguments.measure)
    out = Console(width=None if sys.stdout.isatty() else _WIDTH)
    out.print(candidate_table(nest, lines, target))
    if arguments.json is not None:
        data = {"nest": nest.description, "target": target.cpu, "candidates": [line.json() for line in lines]}
        arguments.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    if arguments.plot is not None:
        from .bench_decisions_plot import plot_candidates

        names = [choice_text(line.choice.json()) for line in lines]
        scores = [line.scored.score if line.scored else None for line in lines]
        title = f"{nest.description} on {target.cpu}"
        plot_candidates(title, names, [line.seconds for line in lines], scores, arguments.plot)
    return 0


_WIDTH = 150


def explained(
    nest: Nest,
    target: Target,
    model: Predictor | None,
    ranker: Ranker | None = None,
    *,
    compiles: bool = False,
    measures: bool = False,
) -> list[Line]:
    """Return the candidates of a nest, the heuristic's first: predicted with models, compiled, measured if asked.

    `model` predicts registers, spills and cycles; `ranker` the time, and what it prefers is chosen where it is given.
    """
    space = candidates(nest, target)
    predicted = {one.choice: one for one in scored(nest, target, model)} if model is not None else {}
    taken = chosen(list(predicted.values())) if predicted else None
    if ranker is not None:
        ranking = Ranking.of(nest, target, ranker, space)
        taken = ranking.chosen
        for choice, time in zip(space, ranking.predicted(), strict=True):
            predicted[choice] = _with_time(predicted.get(choice, Scored(choice, None, None, None)), time)
    search = Search(nest, target, SearchStore()) if measures else None
    if search is not None:
        search.measure(space)
        search.settle()
    marks = {space[0]: ["heuristic"]}
    if taken is not None:
        marks.setdefault(taken, []).append("model")
    texts = KernelTexts(nest.text)
    if search is not None:
        marks.setdefault(search.best(), []).append("best")
    return [
        Line(
            choice,
            predicted.get(choice),
            compiled_labels(texts, choice, target) if compiles else None,
            None if search is None else search.seconds.get(choice),
            tuple(marks.get(choice, ())),
        )
        for choice in space
    ]


def _with_time(one: Scored, time: Predicted) -> Scored:
    """Return a candidate with its predicted time beside what else is predicted of it; the time is its score."""
    others = one.predicted.predictions if one.predicted else {}
    together = Predicted({**others, **time.predictions}, time.unsure)
    return replace(one, predicted=together, score=time.predictions[TIME].value)


def candidate_table(nest: Nest, lines: Sequence[Line], target: Target) -> Table:
    """Return a table with a line for each candidate; the fastest first where they were measured."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=f"{nest.description} on {target.cpu}")
    table.title_justify = "left"
    predicted = [name for name in SHOWN if any(_value(line, name) for line in lines)]
    has_truth, has_time = any(line.truth for line in lines), any(line.seconds for line in lines)
    table.add_column("candidate", no_wrap=True)
    headings = [*predicted, *(["registers", "spills"] if has_truth else []), *(["µs"] if has_time else []), "chosen by"]
    for heading in headings:
        shown = "predicted µs" if heading == TIME else heading.replace("_", " ")
        table.add_column(shown, justify="left" if heading == "chosen by" else "right")
    if has_time:
        lines = sorted(lines, key=lambda one: one.seconds or 0.0)
    elif TIME in predicted:
        lines = sorted(lines, key=lambda one: (one.scored and one.scored.score) or 0.0)
    for line in lines:
        cells = [choice_text(line.choice.json()), *(_value(line, name) for name in predicted)]
        if has_truth:
            cells += [str(line.truth.vector_registers), str(line.truth.spills)] if line.truth else ["illegal", ""]
        if has_time:
            cells.append("" if line.seconds is None else f"{line.seconds * 1e6:.1f}")
        table.add_row(*cells, ", ".join(line.marks), style="bold" if line.marks else None)
    return table


def _value(line: Line, name: str) -> str:
    known = line.scored.predicted if line.scored else None
    if known is None or name not in known.predictions:
        return ""
    one = known.predictions[name]
    if name == TIME:
        one = Prediction(one.value * 1e6, one.low * 1e6, one.high * 1e6, "µs")
    doubt = " ?" if known.unsure else ""
    return f"{one.value:.3g} [{one.low:.3g}, {one.high:.3g}]{doubt}"


def _list(nests: Sequence[Nest]) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("--nest", "kernel", "decision of the heuristic"):
        table.add_column(heading, justify="right" if heading == "--nest" else "left")
    for number, nest in enumerate(nests):
        table.add_row(str(number), nest.description, choice_text(nest.choice.json()))
    console.print(table)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Show the candidate decisions of a kernel of a graph: what a cost model predicts of each, what the "
        "compiler makes of it, how long it takes, and who chooses it. Without --nest the kernels are listed.",
    )
    add = parser.add_argument
    add("graph", metavar="GRAPH", help="a graph as `list` shows them, or an MLIR file")
    add("--nest", type=integer_flag(0, 10**6), metavar="N", help="the kernel, by its number in the list")
    add_flags(parser)
    add("--compile", action="store_true", help="compile each candidate: its registers and spills")
    add("--measure", action="store_true", help="time each candidate, as far as there are no records")
    add("--json", type=Path, metavar="FILE", help="write all that is known as JSON, too")
    add("--plot", type=Path, metavar="FILE", help="draw it (svg, png or pdf)")
    return parser
