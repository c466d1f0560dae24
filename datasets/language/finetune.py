"""Fine-tuning the small language model on clinical notes, its forward pass in L-Mul, in fp8 or exact.

Every run begins at the same weights, reads the same batches and takes the same steps of AdamW; the arithmetic of the
matrix products of the forward pass differs and nothing else: gradients are those of exact products (straight-through).
Exact and L-Mul passes are compiled by the backend of `torch.compile`, forward and backward; fp8 is emulated by torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ...compiler.dynamo.backend import torch_backend
from ...errors import ArgumentError, GraphError
from ...kernels.float8 import Float8
from ...kernels.float8_straight import Float8Products
from ...kernels.lmul import LMul
from .batches import Batches
from .corpus import HELD_OUT, TRAIN, Corpus, load
from .documents import NOTES
from .model import skipped_logits
from .phases import FULL
from .train import load_trained

PRODUCTS: Final = "attention+linear"
"""The scope: all matrix products, the language head among them."""
_LONGEST_NORM: Final = 1.0


@dataclass(frozen=True)
class Arithmetic:
    """How the matrix products of the forward pass are computed: exactly, in L-Mul or in fp8."""

    name: str
    lmul: LMul | None = None
    float8: Float8 | None = None


ARITHMETICS: Final = (
    Arithmetic("exact"),
    Arithmetic("L-Mul k=4", lmul=LMul(4, specials="finite", scope=PRODUCTS)),
    Arithmetic("L-Mul k=3", lmul=LMul(3, specials="finite", scope=PRODUCTS)),
    Arithmetic("fp8 e4m3", float8="e4m3"),
    Arithmetic("fp8 e5m2", float8="e5m2"),
)


@dataclass(frozen=True)
class Plan:
    """All that decides what comes of a run."""

    steps: int = 100
    rows: int = 8
    """Sequences of a batch, each of as many tokens as the model has positions."""
    rate: float = 3e-4
    """Learning rate of the first step behind the rise over a tenth of the steps; it falls in a straight line to 0."""
    held_out: int = 32
    """Sequences of held-out notes that the model is judged by, a multiple of `rows`."""
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.held_out % self.rows:
            raise ArgumentError(
                f"held-out: expected a multiple of the {self.rows} rows of a batch, found {self.held_out}"
            )

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rising = max(1, self.steps // 10)
        return self.rate * min((step + 1) / rising, (self.steps - step) / max(1, self.steps - rising))


@dataclass(frozen=True)
class Run:
    """What came of a run. Losses are in nats a token."""

    arithmetic: str
    losses: tuple[float, ...]
    """Of the batch of each step, before the step."""
    before: tuple[float, ...]
    """Of each held-out sequence in the run's own arithmetic, before the first step."""
    after: tuple[float, ...]
    """The same after the last step."""
    after_exact: tuple[float, ...]
    """The same weights in exact arithmetic."""
    gradient_cosine: float
    """Of the first step's gradient with that of the exact forward pass, as torch computes it."""
    seconds_per_step: float
    """Median over the steps."""


Report = Callable[[str, int, float], object]
"""Called with the arithmetic's name, the number of steps that are done and the loss of the last."""


def finetune(folder: Path, arithmetic: Arithmetic, plan: Plan, report: Report) -> Run:
    """Fine-tune the full model that `slipstick-skip train` left in `folder`, in one arithmetic.

    Raises ArgumentError where there is none or too little text, GraphError where a part of the pass is not compiled.
    """
    torch.set_num_threads(plan.threads)
    corpus, model = load(folder / "corpus"), load_trained(folder, FULL).train()
    tokens = model.config.max_position_embeddings
    batches = Batches(corpus.blocks(NOTES, TRAIN, tokens + 1), plan.rows, plan.seed)
    held_out = _held_out(corpus, tokens, plan)
    losses_of = _losses(model, arithmetic, plan.threads)
    before = _judge(losses_of, held_out)
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(parameters, betas=(0.9, 0.95), weight_decay=0.0)
    exact_gradient = _gradient(lambda ids: _of_rows(model, ids), batches.at(0), parameters)
    losses: list[float] = []
    seconds: list[float] = []
    cosine = 0.0
    for step in range(plan.steps):
        begun = time.perf_counter()
        for group in optimiser.param_groups:
            group["lr"] = plan.rate_at(step)
        optimiser.zero_grad()
        loss = losses_of(batches.at(step)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if step == 0:
            cosine = float(torch.nn.functional.cosine_similarity(_flat(parameters), exact_gradient, 0))
        torch.nn.utils.clip_grad_norm_(parameters, _LONGEST_NORM)
        optimiser.step()
        losses.append(float(loss.detach()))
        seconds.append(time.perf_counter() - begun)
        report(arithmetic.name, step + 1, losses[-1])
    return Run(
        arithmetic.name,
        tuple(losses),
        before,
        _judge(losses_of, held_out),
        _judge(lambda ids: _of_rows(model, ids), held_out),
        cosine,
        sorted(seconds)[len(seconds) // 2],
    )


def _held_out(corpus: Corpus, tokens: int, plan: Plan) -> tuple[Tensor, ...]:
    blocks = corpus.blocks(NOTES, HELD_OUT, tokens + 1)
    if len(blocks) < plan.held_out:
        raise ArgumentError(
            f"held-out: expected at most {len(blocks)} sequences, which there are, found {plan.held_out}"
        )
    return tuple(blocks[first : first + plan.rows] for first in range(0, plan.held_out, plan.rows))


def _losses(model: Any, arithmetic: Arithmetic, threads: int) -> Callable[[Tensor], Tensor]:
    """Return what makes f32 [rows], losses in nats a token, of ids int64 [rows, tokens + 1]."""
    if arithmetic.float8 is not None:
        return lambda ids: _of_rows(model, ids, Float8Products(arithmetic.float8 or "e4m3"))

    def run(ids: Tensor) -> Tensor:
        return _of_rows(model, ids)

    # A run that torch took a part of would compare something else; another run's graphs are of no use to it.
    torch.compiler.reset()
    options: dict[str, Any] = {"lmul": arithmetic.lmul, "threads": threads, "fallback": False}
    compiled = torch.compile(run, backend=torch_backend, options=options)

    def call(ids: Tensor) -> Tensor:
        try:
            found: Tensor = compiled(ids)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            raise GraphError(f"{arithmetic.name}: {error.inner_exception}") from error
        return found

    return call


def _of_rows(model: Any, ids: Tensor, context: AbstractContextManager[object] | None = None) -> Tensor:
    with context or nullcontext():
        logits = skipped_logits(model, ids[:, :-1], None)
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return losses.mean(1)


def _judge(losses_of: Callable[[Tensor], Tensor], batches: tuple[Tensor, ...]) -> tuple[float, ...]:
    # With gradients: the same code as in training, where without another graph would be compiled.
    return tuple(loss for ids in batches for loss in losses_of(ids).tolist())


def _gradient(losses_of: Callable[[Tensor], Tensor], ids: Tensor, parameters: list[Any]) -> Tensor:
    losses_of(ids).mean().backward()  # type: ignore[no-untyped-call]
    return _flat(parameters)


def _flat(parameters: list[Any]) -> Tensor:
    """Return the gradient as one vector, f64: in f32 a cosine near 1 would not be exact enough."""
    return torch.cat([parameter.grad.flatten() for parameter in parameters]).double()
