"""Measures how fast compiled steps decode along the schedules of the SkipDecode study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch

from ..compiler.skip_schedule import SkipSchedule
from ..datasets.generator import Generator
from ..datasets.language.corpus import Corpus
from ..datasets.language.phases import FULL
from ..datasets.language.train import load_trained
from ..datasets.skip_cost import StepBytes, step_bytes
from .bench_generate_measure import torch_step
from .progress import Steps
from .skip_arithmetic import ARITHMETICS, compiled
from .skip_quality import Settings, windows
from .skip_results import Speed
from .timing import time_interleaved

_WARM_UP = 1
"""Generations along each schedule that are not counted."""


def measure_speed(settings: Settings, corpus: Corpus, steps: Steps) -> tuple[tuple[Speed, ...], float]:
    """Return the speed of each compiled arithmetic along every schedule, and tokens a second of torch eager.

    The prompts are held-out text. Generations along all schedules, in all arithmetics, take turns.
    """
    model = load_trained(settings.folder, FULL)
    schedules = settings.schedules(model.config.num_hidden_layers)
    text = windows(corpus, settings.tokens, settings.batch).ids[: settings.batch, : settings.prompt]
    prompts: list[list[int]] = text.tolist()
    generators: dict[str, Generator] = {}
    for arithmetic in ARITHMETICS:
        if arithmetic.is_compiled:
            with steps.step(f"compile {FULL}, {arithmetic.name}"):
                generators[arithmetic.name] = compiled(
                    model, arithmetic, settings.batch, settings.tokens, settings.threads, settings.prompt
                )
    new = settings.tokens - settings.prompt
    taken: dict[tuple[str, float], list[tuple[float, ...]]] = {
        (name, share): [] for name in generators for share in schedules
    }
    with steps.step("generate along the schedules", _WARM_UP + settings.rounds) as advance:
        for number in range(_WARM_UP + settings.rounds):
            for name, share in taken:
                timing = generators[name].generate(prompts, new, schedule=schedules[share], eos=None).timing
                if number >= _WARM_UP:
                    taken[name, share].append(timing.step_seconds)
            advance()
    with steps.step("decode with torch eager"), torch.inference_mode():
        # Halfway through a generation, where its cache is as long as it is in the mean.
        middle = windows(corpus, settings.tokens, settings.batch).ids[: settings.batch, : settings.prompt + new // 2]
        subjects: dict[str, Callable[[int], object]] = {"torch": torch_step(model, middle.tolist())}
        eager = time_interleaved(subjects, 10 * settings.rounds)["torch"].median
    found = []
    for name, generator in generators.items():
        cost = step_bytes(generator, model)
        by_share = {share: _medians(taken[name, share]) for share in schedules}
        found += _speeds(name, by_share, schedules, cost, len(prompts))
    return tuple(found), len(prompts) / eager


def _medians(generations: Sequence[Sequence[float]]) -> list[float]:
    """Return the median seconds of each step over several generations."""
    return [median(seconds) for seconds in zip(*generations, strict=True)]


def _speeds(
    name: str,
    seconds: Mapping[float, Sequence[float]],
    schedules: Mapping[float, SkipSchedule],
    cost: StepBytes,
    rows: int,
) -> list[Speed]:
    full = seconds[max(seconds)]
    found = []
    for share, taken in seconds.items():
        schedule = schedules[share]
        depths = [schedule.depth(schedule.start + number) for number in range(len(taken))]
        mean = sum(depths) / len(depths)
        speed: dict[str, Any] = {
            "tokens_per_second": rows * len(taken) / sum(taken),
            "nominal": cost.nominal(mean),
            "of_layers": cost.layers / mean,
            "measured": sum(full) / sum(taken),
            "nominal_at": tuple(map(cost.nominal, depths)),
            "measured_at": tuple(one / other for one, other in zip(full, taken, strict=True)),
        }
        found.append(Speed(name, share, mean, **speed))
    return found
