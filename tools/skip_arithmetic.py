"""The arithmetics of the SkipDecode study, and how texts are scored in each: by compiled code, or by torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import torch

from ..compiler.options import SkipPaths
from ..compiler.skip_schedule import SkipSchedule
from ..datasets.generator import Generator
from ..datasets.language.batches import WARMUP_LAYERS
from ..datasets.language.model import skipped_logits
from ..datasets.scoring import Scores, score
from ..kernels.float8 import Float8
from ..kernels.lmul import LMul
from .study_arithmetic import rounded_to
from .study_configurations import PRODUCTS
from .study_products import multiplying

_ROWS_OF_TORCH = 16


@dataclass(frozen=True)
class Arithmetic:
    """How a model multiplies, and the format of its weights."""

    name: str
    lmul: LMul | None = None
    weights: str = "f32"
    float8: Float8 | None = None
    """Operands of matrix products are rounded to it; torch computes that, slipstick does not compile it."""

    @property
    def is_compiled(self) -> bool:
        """Whether slipstick runs it, so that it has a speed."""
        return self.float8 is None


EXACT: Final = Arithmetic("exact")
ARITHMETICS: Final = (
    EXACT,
    Arithmetic("lm8 weights", weights="lm8"),
    Arithmetic("L-Mul k=4", lmul=LMul(4, specials="finite")),
    Arithmetic("L-Mul k=3", lmul=LMul(3, specials="finite")),
    Arithmetic("fp8 e4m3", float8="e4m3"),
)


class Scorer(Protocol):
    """Scores texts with one model in one arithmetic."""

    def __call__(self, ids: torch.Tensor, prompt: int, schedule: SkipSchedule | None) -> Scores:
        """Return how ids int64 [rows, tokens] are foreseen behind their first `prompt` tokens, along a schedule."""


@dataclass(frozen=True)
class TorchScorer:
    """The forward pass of torch along a schedule, whole sequences at once; with `float8`, of rounded operands."""

    model: Any
    float8: Float8 | None = None

    # In inference mode torch would not show the products to `multiplying`.
    @torch.no_grad()
    def __call__(self, ids: torch.Tensor, prompt: int, schedule: SkipSchedule | None) -> Scores:
        """Return the scores; see `Scorer`."""
        found = [self._part(part, prompt, schedule) for part in _batches(ids, _ROWS_OF_TORCH)]
        return Scores(torch.cat([one.losses for one in found]), torch.cat([one.hits for one in found]))

    def _part(self, ids: torch.Tensor, prompt: int, schedule: SkipSchedule | None) -> Scores:
        if self.float8 is None:
            logits = skipped_logits(self.model, ids[:, :-1], schedule)
        else:
            with multiplying(rounded_to(self.float8), PRODUCTS, self.model.parameters()):
                logits = skipped_logits(self.model, ids[:, :-1], schedule)
        logits, wanted = logits[:, prompt - 1 :], ids[:, prompt:]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
        return Scores(losses, logits.argmax(-1) == wanted)


@dataclass(frozen=True)
class CompiledScorer:
    """The compiled decode steps at the depths of a schedule, one token after the other."""

    generator: Generator

    def __call__(self, ids: torch.Tensor, prompt: int, schedule: SkipSchedule | None) -> Scores:
        """Return the scores; see `Scorer`."""
        found = [
            score(self.generator, _lists(part[:, :prompt]), _lists(part[:, prompt:]), schedule)
            for part in _batches(ids, self.generator.batch)
        ]
        return Scores(torch.cat([one.losses for one in found]), torch.cat([one.hits for one in found]))


def compiled(
    model: Any, arithmetic: Arithmetic, batch: int, tokens: int, threads: int, prompt: int | None = None
) -> Generator:
    """Return a model compiled in an arithmetic, for sequences of `tokens`, at all depths; `prompt`: see `Generator`."""
    return Generator(
        model,
        batch=batch,
        context=tokens,
        prompt=prompt,
        skip=SkipPaths(WARMUP_LAYERS, None, WARMUP_LAYERS),
        lmul=arithmetic.lmul,
        weights=arithmetic.weights,
        threads=threads,
    )


def _batches(ids: torch.Tensor, rows: int) -> list[torch.Tensor]:
    return [ids[first : first + rows] for first in range(0, len(ids), rows)]


def _lists(ids: torch.Tensor) -> Sequence[Sequence[int]]:
    found: list[list[int]] = ids.tolist()
    return found
