"""`torch.compile` with the backend slipstick beside eager and inductor: what it compiles, is it right, how fast."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch

from ..compiler.dynamo.backend import torch_backend
from ..compiler.dynamo.report import GraphReport
from ..datasets.graph import Graph
from .bench_dynamo_results import MODES, Measured, Mode
from .bench_kinks import jumps
from .bench_timing import Subject, time_in_turns
from .output import quiet

BACKENDS: dict[str, Any] = {"slipstick": torch_backend, "inductor": "inductor"}


def measure(
    graph: Graph, *, inductor: bool, repeats: int, threads: int = 1, tell: Callable[[str], object] = lambda detail: None
) -> Measured:
    """Compile a model for inference and for a training step, compare with eager, and time `repeats` rounds; 0: none.

    `tell` is told what is being done. Raises what torch raises.
    """
    torch.set_num_threads(threads)
    with quiet():
        module, inputs = graph.build()
        inference = _inference(module, inputs, inductor, repeats, tell)
        step = _training(module, inputs, inductor, repeats, tell)
    return Measured(graph.name, dict(zip(MODES, (inference, step), strict=True)))


def _compiled(module: torch.nn.Module, backend: str, reports: list[GraphReport]) -> Callable[..., Any]:
    torch._dynamo.utils.counters.clear()
    options: Any = {"observer": reports.append} if backend == "slipstick" else None
    run: Callable[..., Any] = torch.compile(module, backend=BACKENDS[backend], options=options)
    return run


def _names(inductor: bool) -> list[str]:
    return [name for name in BACKENDS if inductor or name != "inductor"]


def _inference(
    module: torch.nn.Module, inputs: tuple[Any, ...], inductor: bool, repeats: int, tell: Callable[[str], object]
) -> Mode:
    reports: list[GraphReport] = []
    torch._dynamo.reset()
    with torch.no_grad():
        expected = module(*inputs).clone()
        calls = {"eager": lambda: module(*inputs)}
        error, counts = 0.0, (0, 0)
        for name in _names(inductor):
            tell(f"inference, {name}")
            run = _compiled(module, name, reports)
            found = run(*inputs)
            if name == "slipstick":
                error = _difference([found], [expected])
                counts = _recompiled(reports, _call(run, inputs))
            calls[name] = _call(run, inputs)
    return _mode(reports, error, counts, _times(calls, torch.no_grad, repeats))


def _training(
    module: torch.nn.Module, inputs: tuple[Any, ...], inductor: bool, repeats: int, tell: Callable[[str], object]
) -> Mode:
    """Measure loss, gradients, and a step of an optimiser that leaves weights as they are, but writes to them."""
    reports: list[GraphReport] = []
    torch._dynamo.reset()
    weights = loss_weights(module, inputs)
    parameters = [one for one in module.parameters() if one.requires_grad]
    optimiser = torch.optim.SGD(parameters, lr=0.0)

    def step(run: Callable[..., Any]) -> Callable[[], object]:
        def call() -> None:
            optimiser.zero_grad()
            (run(*inputs) * weights).mean().backward()
            optimiser.step()

        return call

    def gradients(call: Callable[[], object]) -> list[torch.Tensor]:
        call()
        return [one.grad.clone() for one in parameters if one.grad is not None]

    calls = {"eager": step(module)}
    expected = gradients(calls["eager"])
    kinks, allowed = jumps(lambda: gradients(calls["eager"]), expected)
    error, counts = 0.0, (0, 0)
    for name in _names(inductor):
        tell(f"training step, {name}")
        calls[name] = step(_compiled(module, name, reports))
        found = gradients(calls[name])
        if name == "slipstick":
            error = _difference(found, expected, allowed)
            counts = _recompiled(reports, calls[name])
    return _mode(reports, error, counts, _times(calls, contextlib.nullcontext, repeats), kinks)


def loss_weights(module: torch.nn.Module, inputs: tuple[Any, ...]) -> torch.Tensor:
    """Return what each element of the result counts for in the loss, normally distributed, the same in each run.

    A plain mean, of the results or of their squares, does not depend on what a LayerNorm at the end is given: all
    gradients before it would be nothing but rounding.
    """
    with torch.no_grad():
        result = module(*inputs)
    return torch.randn(result.shape, generator=torch.Generator().manual_seed(0))


def _mode(
    reports: list[GraphReport], error: float, counts: tuple[int, int], seconds: dict[str, float], kinks: int = 0
) -> Mode:
    """Return the figures of a mode; `counts` are breaks, and graphs that were compiled anew."""
    return Mode(
        kinds=tuple(report.kind for report in reports),
        error=error,
        operations=sum(report.operations for report in reports),
        compiled=sum(report.compiled for report in reports),
        fallbacks=tuple(dict.fromkeys(one.operation for report in reports for one in report.fallbacks)),
        breaks=counts[0],
        recompiled=counts[1],
        kinks=kinks,
        seconds=seconds,
    )


def _recompiled(reports: list[GraphReport], call: Callable[[], object]) -> tuple[int, int]:
    """Return how often dynamo broke the graph that was captured last, and how many graphs two more calls compile."""
    breaks = sum(torch._dynamo.utils.counters["graph_break"].values())
    before = len(reports)
    for _ in range(2):
        call()
    return breaks, len(reports) - before


def _call(run: Callable[..., Any], inputs: tuple[Any, ...]) -> Callable[[], object]:
    return lambda: run(*inputs)


def _times(calls: dict[str, Callable[[], object]], around: Callable[[], Any], repeats: int) -> dict[str, float]:
    if not repeats:
        return {}
    found = time_in_turns({name: Subject(call, around) for name, call in calls.items()}, repeats)
    return {name: turns.timing.median for name, turns in found.items()}


def _difference(
    found: list[torch.Tensor], expected: list[torch.Tensor], allowed: list[torch.Tensor] | None = None
) -> float:
    """Return the largest difference beyond what is `allowed`, as a share of the largest magnitude.

    Infinity where tensors are missing or differences are no numbers.
    """
    if len(found) != len(expected):
        return float("inf")
    top = max(float(one.abs().max()) for one in expected)
    differences = [(one - other).abs() for one, other in zip(found, expected, strict=True)]
    if allowed is not None:
        differences = [one - other for one, other in zip(differences, allowed, strict=True)]
    worst = torch.stack([one.max() for one in differences]).max()
    return max(0.0, float(worst)) / top if worst == worst else float("inf")
