"""`slipstick-skip study`: measures what is not measured yet, shows and writes all of it."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console

from ..datasets.language import corpus as texts
from ..datasets.language.corpus import Corpus
from ..datasets.language.phases import ALL_PHASES, FULL
from ..datasets.language.train import is_trained, load_trained, trained_how
from ..errors import ArgumentError
from .files import check_writable
from .output import quiet
from .progress import Steps
from .skip_quality import BY_TORCH, Settings, measure_arithmetics, measure_by_torch
from .skip_report import figures, report, write_figures
from .skip_results import Quality, Results, read, write
from .skip_speed import measure_speed
from .skip_table import print_results

_WIDTH: Final = 190
"""Columns of the tables where there is no terminal."""
_PARTS: Final = ("torch", "arithmetics", "speed")


def run_study(arguments: argparse.Namespace) -> None:
    """Run the study on a folder of trained models; results are kept there, and measured again only with other flags."""
    if not arguments.folder.is_dir():
        raise ArgumentError(
            f"{arguments.folder}: expected a folder that `slipstick-skip train` has written, found none"
        )
    folder: Path = arguments.folder / "study"
    html: Path = arguments.html or folder / "study.html"
    check_writable(html, "--html")
    check_writable(folder / "study.json", "FOLDER")
    torch.set_num_threads(arguments.threads)
    steps = Steps(Console(stderr=True))
    with quiet(), steps.step("load text and models"):
        corpus = texts.load(arguments.folder / "corpus")
        model = load_trained(arguments.folder, FULL)
        layers, positions = model.config.num_hidden_layers, model.config.max_position_embeddings
    settings = _settings(arguments, positions)
    path = folder / "study.json"
    results = read(path, _described(settings, layers))
    with quiet():
        for part in _PARTS:
            if arguments.only in (None, part):
                results = _measured(part, results, settings, corpus, steps)
                write(results, path)
    _show(results, settings, layers, folder, html, arguments.command_line)


def _measured(part: str, results: Results, settings: Settings, corpus: Corpus, steps: Steps) -> Results:
    """Return the results with a part of the study, measured unless it is there."""
    torchs, others = _apart(results.quality)
    if part == "torch":
        # The last model may still be in training.
        phases = [phase for phase in ALL_PHASES if is_trained(settings.folder, phase)]
        if {one.trained for one in torchs} != set(phases):
            torchs = measure_by_torch(settings, corpus, phases, steps)
    elif part == "arithmetics":
        others = others or measure_arithmetics(settings, corpus, steps)
    elif not results.speed:
        speed, eager = measure_speed(settings, corpus, steps)
        results = replace(results, speed=speed, torch_tokens_per_second=eager)
    return replace(results, quality=(*torchs, *others))


def _apart(found: tuple[Quality, ...]) -> tuple[tuple[Quality, ...], tuple[Quality, ...]]:
    by_torch = tuple(one for one in found if one.arithmetic == BY_TORCH)
    return by_torch, tuple(one for one in found if one.arithmetic != BY_TORCH)


def _settings(arguments: argparse.Namespace, positions: int) -> Settings:
    prompt = arguments.prompt or positions // 4
    if prompt > positions - 3:
        raise ArgumentError(f"--prompt: expected at most {positions - 3} of {positions} positions, found {prompt}")
    return Settings(
        arguments.folder,
        positions,
        prompt,
        arguments.windows,
        arguments.few_windows,
        arguments.batch,
        arguments.rounds,
        arguments.threads,
    )


def _described(settings: Settings, layers: int) -> dict[str, Any]:
    """Return what results depend on: the flags, and the full model and its training."""
    names = ("tokens", "prompt", "windows", "few_windows", "batch", "rounds", "threads")
    flags = {name: getattr(settings, name) for name in names}
    return {**flags, "layers": layers, "trained": trained_how(settings.folder, FULL)}


def _show(results: Results, settings: Settings, layers: int, folder: Path, html: Path, command_line: list[str]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    print_results(results, console)
    drawn = figures(results, settings.schedules(layers), layers)
    write_figures(drawn, folder)
    html.write_text(report(results, drawn, shlex.join(["slipstick-skip", *command_line])), "utf-8")
    console.print(f"\n{html}, {folder / 'study.json'}, plots as SVG and PNG beside it", soft_wrap=True)
