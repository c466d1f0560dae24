"""`slipstick-skip train`: text, tokenizer and the models of the SkipDecode study, with a bar."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ..datasets.language import corpus as texts
from ..datasets.language.corpus import Corpus
from ..datasets.language.documents import PACKAGES, Document, documentation, notes, versions
from ..datasets.language.model import Sizes
from ..datasets.language.phases import ALL_PHASES, PHASES
from ..datasets.language.train import Plan, Step, device_of, is_trained, read_log, train
from ..datasets.medcalc.rows import fetch
from ..errors import ArgumentError
from .output import quiet
from .progress import Steps

_HEAD_WIDTH = 32
_LINE_S = 15.0
"""Seconds between two lines where there is no terminal."""
_SHARE = 0.05
"""Of the newest loss in the shown one, a moving mean."""


def run_training(arguments: argparse.Namespace) -> None:
    """Make the corpus unless it is there, then train what is not trained; say what came of it."""
    console = Console(stderr=True)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    plan, device = _plan(arguments), device_of(arguments.device)
    corpus = _corpus(arguments, plan, Steps(console))
    phases = [phase for phase in ALL_PHASES if phase in (arguments.phase or PHASES)]
    with quiet(), _Bar(console, plan, phases) as bar:
        train(corpus, plan, arguments.folder, device, bar.report, phases=phases)
    _print_summary(Console(highlight=False), plan, arguments.folder)


def _plan(arguments: argparse.Namespace) -> Plan:
    width = arguments.width or Sizes.width
    if width % _HEAD_WIDTH:
        raise ArgumentError(f"--width: expected a multiple of {_HEAD_WIDTH}, found {width}")
    sizes = Sizes(
        arguments.layers or Sizes.layers,
        width,
        width // _HEAD_WIDTH,
        4 * width,
        arguments.positions or Sizes.positions,
    )
    return Plan(
        sizes,
        arguments.vocabulary or Plan.vocabulary,
        arguments.tokens or Plan.full_tokens,
        arguments.further_tokens or Plan.further_tokens,
        arguments.rows or Plan.rows,
        seed=arguments.seed,
    )


def _corpus(arguments: argparse.Namespace, plan: Plan, steps: Steps) -> Corpus:
    folder: Path = arguments.folder / "corpus"
    if (folder / "corpus.json").is_file():
        return texts.load(folder)
    packages = tuple(arguments.packages or PACKAGES)
    found: list[Document] = []
    with steps.step("read the notes"):
        source = arguments.medcalc
        if source is None:
            source = arguments.folder / "medcalc_bench.csv"
            fetch(source)
        found += notes(source)
    with steps.step(f"read the documentation of {', '.join(packages)}"):
        found += documentation(packages)
    with steps.step("train the tokenizer"):
        corpus, made = texts.build(found, plan.vocabulary)
    texts.save(corpus, folder, {"packages": versions(packages), "parts": made})
    return corpus


class _Bar:
    """Shows a training: on a terminal a bar with loss, speed and time left, elsewhere a line every 15 seconds."""

    def __init__(self, console: Console, plan: Plan, phases: Sequence[str]):
        self._console, self._plan, self._phases = console, plan, phases
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[now]}"))
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("train", total=sum(map(plan.steps, phases)), now="")
        self._loss: float | None = None
        self._phase = ""
        self._seconds = 0.0
        self._shown = 0.0

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def report(self, step: Step) -> None:
        """Take a step that is done."""
        if step.phase != self._phase:
            self._phase, self._loss, self._seconds = step.phase, None, step.seconds
        self._loss = step.loss if self._loss is None else self._loss + _SHARE * (step.loss - self._loss)
        self._seconds += _SHARE * (step.seconds - self._seconds)
        before = sum(self._plan.steps(phase) for phase in self._phases[: self._phases.index(step.phase)])
        speed = self._plan.rows * self._plan.sizes.positions / self._seconds
        left = (self._bar.tasks[0].total or 0) - before - step.step
        now = f"loss {self._loss:.3f}  {speed:,.0f} tokens/s  {left * self._seconds / 60:.0f} min left"
        self._bar.update(self._task, completed=before + step.step, description=step.phase, now=now)
        if not self._console.is_terminal and (step.step == step.steps or time.monotonic() - self._shown > _LINE_S):
            self._shown = time.monotonic()
            self._console.file.write(f"  {step.phase}: step {step.step} of {step.steps}, {now}\n")
            self._console.file.flush()


def _print_summary(console: Console, plan: Plan, folder: Path) -> None:
    for phase in ALL_PHASES:
        if not is_trained(folder, phase):
            continue
        log = read_log(folder, phase)
        last: list[dict[str, Any]] = log[-50:]
        loss = sum(record["loss"] for record in last) / len(last)
        seconds = sum(record["seconds"] for record in log)
        tokens = plan.steps(phase) * plan.rows * plan.sizes.positions
        console.print(
            f"{phase}: {tokens:,} tokens in {seconds:,.0f} s of steps; loss {log[0]['loss']:.3f} at first, "
            f"{loss:.3f} over the last {len(last)} steps; {folder / phase}",
            soft_wrap=True,
        )
