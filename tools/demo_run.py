"""The demo's work: load, compile three times, encode, compare, time."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch

from ..datasets.encoder import demo_folder, load_encoder
from ..datasets.sentences import load_sentences
from .demo_measure import TORCH, Batches, compare, compile_variant, encode, export, time_all, variants_for
from .demo_results import EncoderFacts, Results, Settings, VariantResult
from .environment import describe_environment
from .progress import Steps
from .timing import WARM_UP


def run_demo(arguments: argparse.Namespace, command: str, steps: Steps) -> Results:
    """Return the outcome of one run; raises SlipstickError for what cannot be loaded or compiled."""
    settings = Settings(
        model="all-MiniLM-L6-v2" if arguments.model is None else str(arguments.model),
        batch=arguments.batch,
        tokens=arguments.tokens,
        mantissa_bits=arguments.mantissa_bits,
        specials=arguments.specials,
        threads=arguments.threads,
        repeats=arguments.repeats,
    )
    sentences = load_sentences()[: arguments.sentences]
    torch.set_num_threads(settings.threads)
    with steps.step(f"load {settings.model}"):
        encoder = load_encoder(arguments.model or demo_folder())
        batches = Batches(encoder, [sentence.text for sentence in sentences], settings.batch, settings.tokens)
    start = time.perf_counter()
    with steps.step("export the graph"):
        program = export(encoder.module, batches)
    export_seconds = time.perf_counter() - start
    compiled = []
    for variant in variants_for(settings.mantissa_bits, settings.specials):
        with steps.step(f"compile: {variant.name}"):
            compiled.append(compile_variant(variant, program, settings.batch, settings.threads, arguments.cache_dir))
    subjects: dict[str, Callable[..., Any]] = {TORCH: encoder.module}
    subjects.update({one.variant.name: one.module for one in compiled})
    embeddings = {}
    for name, run in subjects.items():
        with steps.step(f"encode {len(sentences)} sentences: {name}", total=len(batches)) as advance:
            embeddings[name] = encode(run, batches, advance)
    rounds = settings.repeats + WARM_UP
    with steps.step(f"time {settings.repeats} batches of each", total=rounds) as advance:
        timings = time_all(subjects, batches, settings.repeats, advance)
    qualities = {name: compare(found, embeddings[TORCH]) for name, found in embeddings.items()}
    return Results(
        settings=settings,
        command=command,
        encoder=EncoderFacts(encoder.model_type, encoder.layers, encoder.width, encoder.parameters),
        environment=describe_environment(),
        sentences=sentences,
        longest=batches.longest,
        export_seconds=export_seconds,
        reference=qualities[TORCH],
        torch_timing=timings[TORCH],
        variants=tuple(VariantResult(c, qualities[c.variant.name], timings[c.variant.name]) for c in compiled),
    )
