"""Measures generation: decode steps at each depth, whole generations along schedules, memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import torch
from rich.console import Console

from ..compiler.memory import memory_statistics
from ..compiler.options import SkipPaths
from ..compiler.skip_schedule import SkipSchedule
from ..datasets.causal import config_of
from ..datasets.generator import Generator
from ..datasets.skip_cost import StepBytes, schedule_of_mean, step_bytes
from ..errors import ArgumentError
from ..kernels.lmul import LMul
from .progress import Steps
from .timing import Timing, time_interleaved

TORCH = "torch"
FULL = "all layers"


@dataclass(frozen=True)
class Request:
    """What is measured; the fields are the flags of the command."""

    model: str
    batch: int
    prompt: int
    new: int
    weights: str
    lmul: bool
    threads: int
    warmup: int
    shares: tuple[float, ...]
    schedules: tuple[tuple[int, int], ...]
    rounds: int
    torch: bool


@dataclass(frozen=True)
class Run:
    """Whole generations along one schedule: medians over the rounds."""

    name: str
    schedule: SkipSchedule | None
    mean_depth: float
    tokens_per_second: float
    """New tokens of all rows a second, decode steps alone."""
    nominal: float
    measured: float
    """Times as fast as at full depth, as they should be and as they are."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one model."""

    request: Request
    layers: int
    compile_seconds: float
    weight_bytes: int
    cache_bytes: int
    workspace_bytes: int
    bytes: StepBytes
    steps: dict[int, Timing]
    """Of one decode step, by depth."""
    torch_step: Timing | None
    prefill: Timing
    torch_prefill: Timing | None
    """Of the prompts, up to the logits of their last tokens, in turns."""
    allocations: int
    """Requests of native code to malloc in all timed steps."""
    runs: tuple[Run, ...]

    def measured(self, depth: int) -> float:
        """Return how many times as fast as at full depth a step is."""
        return self.steps[self.layers].median / self.steps[depth].median

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON holds them."""
        figures = asdict(self)
        figures["depths"] = [
            {"depth": depth, "seconds": timing.median, "nominal": self.bytes.nominal(depth), "measured": speed}
            for depth, timing in self.steps.items()
            for speed in [self.measured(depth)]
        ]
        return figures


def measure(model: torch.nn.Module, request: Request, console: Console) -> Figures:
    """Compile and measure; raises `ArgumentError` for sizes and schedules that the model cannot have."""
    steps = Steps(console)
    context = request.prompt + request.new
    schedules = _schedules(request, int(config_of(model).num_hidden_layers))
    with torch.inference_mode():
        torch.set_num_threads(request.threads)
        with steps.step("compile"):
            generator = Generator(
                model,
                batch=request.batch,
                context=context,
                prompt=request.prompt,
                skip=SkipPaths(max(1, request.warmup), None, request.warmup),
                weights=request.weights,
                lmul=LMul(specials="finite") if request.lmul else None,
                threads=request.threads,
            )
        cost = step_bytes(generator, model)
        prompts = torch.randint(generator.vocabulary, (request.batch, request.prompt), generator=_random()).tolist()
        generator.generate(prompts, 2, eos=None)
        step = generator.step_at(request.prompt)
        subjects: dict[str, Callable[[int], object]] = {
            str(depth): partial(_ignoring, partial(step, depth)) for depth in generator.depths
        }
        if request.torch:
            subjects[TORCH] = torch_step(model, prompts)
        with steps.step("decode steps at each depth"):
            before = memory_statistics().misses
            timings = time_interleaved(subjects, request.rounds)
            allocations = memory_statistics().misses - before
        prompting: dict[str, Callable[[int], object]] = {
            FULL: lambda _: generator.run(prompts, 1, lambda logits: logits.argmax(-1))
        }
        if request.torch:
            prompting[TORCH] = torch_prefill(model, prompts)
        with steps.step("prompts"):
            prefills = time_interleaved(prompting, _generations(request))
        with steps.step("generations"):
            runs = _runs(generator, prompts, schedules, request, cost)
    return Figures(
        request,
        generator.layers,
        generator.compile_seconds,
        generator.weight_bytes,
        generator.cache_bytes,
        generator.step.workspace_bytes,
        cost,
        {depth: timings[str(depth)] for depth in generator.depths},
        timings.get(TORCH),
        prefills[FULL],
        prefills.get(TORCH),
        allocations,
        runs,
    )


def _random() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _ignoring(call: Callable[[], object], _: int) -> object:
    return call()


def _schedules(request: Request, layers: int) -> dict[str, SkipSchedule]:
    start, length = request.prompt, request.prompt + request.new - 1
    found: dict[str, SkipSchedule] = {}
    for share in request.shares:
        schedule = schedule_of_mean(layers, share, warmup=request.warmup, start=start, length=length)
        found[f"share {share:g}"] = schedule
    for most, least in request.schedules:
        if most > layers or least < request.warmup:
            raise ArgumentError(f"--schedule: expected depths from {request.warmup} to {layers}, found {most}:{least}")
        found[f"{most}:{least}"] = SkipSchedule(most, least, request.warmup, start, length)
    return found


def torch_step(model: torch.nn.Module, prompts: list[list[int]]) -> Callable[[int], object]:
    """Return a decode step of torch eager behind the prompts, with the cache that transformers gives it."""
    cache = model(torch.tensor(prompts), use_cache=True).past_key_values
    token = torch.zeros(len(prompts), 1, dtype=torch.int64)

    def run(_: int) -> object:
        logits = model(token, past_key_values=cache, use_cache=True).logits
        cache.crop(-1)
        return logits

    return run


def torch_prefill(model: torch.nn.Module, prompts: list[list[int]]) -> Callable[[int], object]:
    """Return torch eager's way through the prompts: a new cache, the logits of the last token alone."""
    ids = torch.tensor(prompts)
    return lambda _: model(ids, use_cache=True, logits_to_keep=1).logits


def _generations(request: Request) -> int:
    """Return how often each schedule generates; a generation is many steps."""
    return max(2, request.rounds // 3)


def _runs(
    generator: Generator,
    prompts: list[list[int]],
    schedules: dict[str, SkipSchedule],
    request: Request,
    cost: StepBytes,
) -> tuple[Run, ...]:
    """Return whole generations, with all layers first; the rounds take turns."""
    asked: dict[str, SkipSchedule | None] = {FULL: None, **schedules}
    timings: dict[str, list[Any]] = {name: [] for name in asked}
    for _ in range(_generations(request)):
        for name, schedule in asked.items():
            timings[name].append(generator.generate(prompts, request.new, schedule=schedule, eos=None).timing)
    seconds = {name: median(timing.decode_seconds for timing in found) for name, found in timings.items()}
    runs = []
    for name, schedule in asked.items():
        mean = timings[name][0].mean_depth
        speed = request.batch * (request.new - 1) / seconds[name]
        runs.append(Run(name, schedule, mean, speed, cost.nominal(mean), seconds[FULL] / seconds[name]))
    return tuple(runs)
