"""The study's work: export once, measure every configuration that is not measured yet, compare with the reference."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from ..datasets.encoder import EncoderFolder, demo_folder, load_encoder
from ..datasets.sentences import load_study_sentences
from .demo_results import EncoderFacts
from .environment import describe_environment
from .progress import Steps
from .study_agreement import Agreement, check_agreement
from .study_configurations import PRODUCTS, Configuration, lmul_configuration, quick_grid, whole_grid
from .study_measure import Figures, Subject
from .study_results import StudyResults
from .study_store import Store, settings_of


def run_study(arguments: argparse.Namespace, command: str, steps: Steps) -> StudyResults:
    """Return the outcome of the study; raises SlipstickError for what cannot be loaded, exported or compiled.

    Configurations that `--results` has are not measured again; each that is measured is written there at once.
    """
    torch.set_num_threads(arguments.threads)
    sentences = load_study_sentences()[: arguments.sentences]
    folder = demo_folder() if arguments.model is None else arguments.model
    model = "all-MiniLM-L6-v2" if arguments.model is None else str(arguments.model)
    with steps.step(f"load {model}"):
        encoder = load_encoder(folder)
        environment = describe_environment()
        settings = settings_of(
            folder, sentences, environment, batch=arguments.batch, tokens=arguments.tokens, threads=arguments.threads
        )
        store = Store(arguments.results, settings)
    with steps.step("export the graph, encode with torch"):
        subject = Subject(
            encoder,
            sentences,
            batch=arguments.batch,
            tokens=arguments.tokens,
            threads=arguments.threads,
            cache_dir=arguments.cache_dir,
        )
    figures = _measure_all(subject, quick_grid() if arguments.quick else whole_grid(), store, steps)
    agreements = _check_all(subject, _CHECKED[:1] if arguments.quick else _CHECKED, store, steps)
    return StudyResults(
        model=model,
        encoder=_facts(encoder),
        command=command,
        environment=environment,
        batch=arguments.batch,
        tokens=arguments.tokens,
        sentences=sentences,
        expected=subject.reference.neighbours.numpy(),
        figures=figures,
        agreements=agreements,
    )


_CHECKED = (
    lmul_configuration(4, "all"),
    lmul_configuration(3, "attention", "rne", "min-rms"),
    lmul_configuration(7, PRODUCTS, "truncate", "unbiased"),
)
"""What is held against the torch reference."""


def _measure_all(
    subject: Subject, grid: Sequence[Configuration], store: Store, steps: Steps
) -> dict[Configuration, Figures]:
    found = {configuration: store.figures(configuration) for configuration in grid}
    missing = [configuration for configuration, figures in found.items() if figures is None]
    text = f"encode {len(subject.sentences)} sentences"
    if len(missing) < len(grid):
        text += f" ({len(grid) - len(missing)} of {len(grid)} configurations were measured before)"
    with steps.parts(text, len(missing)) as part:
        for configuration in missing:
            with part(configuration.name):
                figures = subject.measure(configuration)
                store.put(configuration, figures)
                found[configuration] = figures
    return {configuration: figures for configuration, figures in found.items() if figures is not None}


def _check_all(subject: Subject, checked: Sequence[Configuration], store: Store, steps: Steps) -> list[Agreement]:
    found = {configuration: store.agreement(configuration) for configuration in checked}
    missing = [configuration for configuration, agreement in found.items() if agreement is None]
    with steps.parts("compare with the torch reference", len(missing)) as part:
        for configuration in missing:
            with part(configuration.name):
                agreement = check_agreement(subject, configuration)
                store.put(configuration, agreement)
                found[configuration] = agreement
    return [agreement for agreement in found.values() if agreement is not None]


def _facts(encoder: EncoderFolder) -> EncoderFacts:
    return EncoderFacts(encoder.model_type, encoder.layers, encoder.width, encoder.parameters)
