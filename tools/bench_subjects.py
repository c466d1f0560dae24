"""The subjects of the benchmark: torch eager, slipstick in its variants, and the peers, all prepared alike."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Literal

import torch

from ..compiler.api import compile as compile_graph
from ..kernels.lmul import LMul
from .bench_workload import Form, Workload

Kind = Literal["reference", "slipstick", "peer"]
REFERENCE = "torch"


@dataclass
class Prepared:
    """A graph made ready by a subject: calling `run` is what is timed."""

    form: Form
    """Which form of the graph it runs, to be compared with."""
    run: Callable[[], Any]
    """One call; the results are in memory of the caller when it returns, as tensors or arrays in torch's order."""
    settings: str
    around: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext
    """What must be entered around calls."""
    saved_bytes: int = 0
    """By how much less than the graph's bytes a call must read, where weights are stored narrower."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of parts of the preparation, where they are known."""
    same: str = ""
    """Why there is nothing to time: what runs is another subject's code. Empty where there is."""


@dataclass(frozen=True)
class Contender:
    """A subject of the benchmark, not yet prepared."""

    name: str
    kind: Kind
    prepare: Callable[[Workload], Prepared]
    """Raises for a graph it cannot do."""
    packages: dict[str, str] = field(default_factory=dict)
    """What must be installed: the name to import of each package, by the package's name."""
    least_cosine: float | None = None
    """For approximate arithmetic: the smallest cosine with torch's results that counts as right. `None`: the graph's
    tolerance holds."""
    arithmetic: Literal["fma", "lmul"] = "fma"

    def missing(self) -> str | None:
        """Return which package is missing, in words, or `None`."""
        for package, module in self.packages.items():
            if not _installed(module):
                return f"{package} is not installed (pip install 'slipstick[peers]')"
        return None

    def versions(self) -> str:
        """Return the packages with their versions."""
        found = []
        for package in self.packages or {"slipstick" if self.kind == "slipstick" else "torch": ""}:
            with contextlib.suppress(PackageNotFoundError):
                found.append(f"{package} {version(package)}")
        return ", ".join(found)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _eager(workload: Workload) -> Prepared:
    module, inputs = workload.form.module, workload.form.inputs
    return Prepared(workload.form, lambda: module(*inputs), "eager, inference_mode", torch.inference_mode)


def _slipstick(
    lmul: LMul | None, weights: str, target: str, schedule: str = "heuristic"
) -> Callable[[Workload], Prepared]:
    def prepare(workload: Workload) -> Prepared:
        form = workload.form
        cache = os.environ.get(CACHE_VARIABLE)
        start = time.perf_counter()
        how: dict[str, Any] = {"lmul": lmul, "weights": weights, "target": target}
        if schedule != "heuristic":
            how["schedule"] = schedule
        compiled = compile_graph(form.module, form.inputs, **how, threads=workload.threads, cache_dir=cache)
        seconds = time.perf_counter() - start
        settings = f"compile({', '.join(f'{name}={value!r}' for name, value in how.items())})"
        if compiled.from_cache:
            settings += ", code from the cache"
        bits = {"bf16": 16, "lm8": 8}
        parameters = compiled.parameters
        saved = sum(
            parameters[name].numel() * (32 - bits[kind]) // 8
            for name, kind in compiled.encoded.items()
            if name in parameters
        )
        inputs = form.inputs
        phases = {**compiled.timings, "all": seconds}
        same = ""
        if schedule != "heuristic" and not compiled.statistics.get(_DECIDED_OTHERWISE):
            same = f"the policy {schedule} decides every kernel as the heuristic does"
        return Prepared(form, lambda: compiled(*inputs), settings, saved_bytes=saved, phases=phases, same=same)

    return prepare


CACHE_VARIABLE = "SLIPSTICK_CACHE_DIR"
EXACT = "exact"
LMUL = "L-Mul"
_FINITE = LMul(specials="finite")
_DECIDED_OTHERWISE = "decide: nests decided otherwise than by the heuristic"
_LEAST_COSINE = {"f32": 0.9, "bf16": 0.999, "lm8": 0.9}


def own_contenders(
    target: str = "host", *, lmul: bool, weights: tuple[str, ...], schedules: tuple[str, ...] = ()
) -> list[Contender]:
    """Return slipstick exact, then, if asked for, with L-Mul, then with narrower weights, each of them both ways.

    Last comes exact arithmetic as each of the policies `schedules` decides. Code is made for the CPU `target`.
    """
    found = [Contender(EXACT, "slipstick", _slipstick(None, "f32", target))]
    if lmul:
        found.append(_approximate(LMUL, _FINITE, "f32", target))
    for narrow in weights:
        found.append(_approximate(f"{EXACT} {narrow}", None, narrow, target))
        if lmul:
            found.append(_approximate(f"{LMUL} {narrow}", _FINITE, narrow, target))
    for policy in schedules:
        found.append(Contender(scheduled(policy), "slipstick", _slipstick(None, "f32", target, policy)))
    return found


def scheduled(policy: str) -> str:
    """Return the name of the subject of exact arithmetic whose kernels a policy decides."""
    return f"{EXACT}, {policy}"


def _approximate(name: str, lmul: LMul | None, weights: str, target: str) -> Contender:
    cosine = _LEAST_COSINE[weights] if lmul is None else min(0.9, _LEAST_COSINE[weights])
    arithmetic: Literal["fma", "lmul"] = "fma" if lmul is None else "lmul"
    prepare = _slipstick(lmul, weights, target)
    return Contender(name, "slipstick", prepare, least_cosine=cosine, arithmetic=arithmetic)


def reference() -> Contender:
    """Return torch eager, what every other subject is held against."""
    return Contender(REFERENCE, "reference", _eager)
