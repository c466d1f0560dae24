"""What the demo measures: each compiled variant of an encoder beside torch eager, on the same sentences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..bindings import ir, new_context
from ..compiler.api import compile as compile_graph
from ..compiler.compiled import CompiledModule
from ..datasets.encoder import EncoderFolder
from ..errors import GraphError
from ..kernels.lmul import LMul
from ..passes.lmul_report import report
from ..passes.lmul_report_data import LMulReport
from .timing import Timing, time_interleaved

TORCH = "torch eager"


@dataclass(frozen=True)
class Variant:
    """One way of compiling the encoder."""

    name: str
    lmul: LMul | None


def variants_for(mantissa_bits: int, specials: Any) -> tuple[Variant, ...]:
    """Return the variants of the demo: exact, L-Mul in attention, L-Mul everywhere."""
    return (
        Variant("exact", None),
        Variant("L-Mul in attention", LMul(mantissa_bits, specials=specials, scope="attention")),
        Variant("L-Mul everywhere", LMul(mantissa_bits, specials=specials, scope="all")),
    )


@dataclass(frozen=True)
class Energy:
    """Estimated energy on adder hardware, in picojoules."""

    multiplies_pj: float
    additions_pj: float
    """Of the sums of contractions: one for each of their multiplies, the same with L-Mul."""

    @property
    def total_pj(self) -> float:
        """Both together."""
        return self.multiplies_pj + self.additions_pj

    @classmethod
    def of(cls, arithmetic: LMulReport, share: float) -> Energy:
        """Return the energy of a share of what was counted."""
        contractions = arithmetic.totals("attention", "linear").cost_after
        return cls(arithmetic.totals().cost_after.multiplies_pj * share, contractions.adds_pj * share)


@dataclass(frozen=True)
class Compiled:
    """A compiled variant."""

    variant: Variant
    module: CompiledModule
    seconds: float
    """Wall-clock time of `slipstick.compile`, import of the exported graph included."""
    arithmetic: LMulReport
    """At the stage "rewritten", where L-Mul is marked; executions for one batch."""
    energy: Energy
    """For one sentence."""


@dataclass(frozen=True)
class Quality:
    """Embeddings of a variant against torch's."""

    largest_error: float
    errors: torch.Tensor
    """|difference| of every element, float32 [sentences, width]."""
    cosines: torch.Tensor
    """Cosine with torch's embedding of the same sentence, float64 [sentences]."""
    similarities: torch.Tensor
    """Cosines between all sentences, float64 [sentences, sentences]."""
    neighbours: torch.Tensor
    """The nearest other sentence of each, int64 [sentences]."""
    agreeing: int
    """Sentences with the same nearest neighbour as in torch."""


class Batches:
    """Sentences as ids and masks in batches of a fixed size; the last one is filled up with its own first row."""

    def __init__(self, encoder: EncoderFolder, texts: Sequence[str], batch: int, tokens: int):
        self.count = len(texts)
        ids, mask = encoder.tokenize(texts, tokens)
        self.longest = int(mask.sum(1).max())
        missing = -len(texts) % batch
        ids = torch.cat([ids, ids[:1].expand(missing, -1)])
        mask = torch.cat([mask, mask[:1].expand(missing, -1)])
        self.batches = [(ids[row : row + batch], mask[row : row + batch]) for row in range(0, len(ids), batch)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.batches[number % len(self.batches)]

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.batches)


def export(module: torch.nn.Module, batches: Batches) -> torch.export.ExportedProgram:
    """Return the graph of an encoder for batches of this size. Raises GraphError where torch cannot export it."""
    try:
        with torch.no_grad():
            return torch.export.export(module, batches[0])
    except Exception as problem:  # torch.export raises whatever the model's code does
        text = " ".join(str(problem).split())[:400]
        raise GraphError(f"torch.export: {type(problem).__name__}: {text}") from problem


def compile_variant(
    variant: Variant, program: torch.export.ExportedProgram, batch: int, threads: int, cache_dir: Path | None
) -> Compiled:
    """Compile an exported encoder; `cache_dir`: where objects are kept, None: the user's cache."""
    start = time.perf_counter()
    module = compile_graph(program, lmul=variant.lmul, threads=threads, cache_dir=cache_dir)
    seconds = time.perf_counter() - start
    with new_context() as context:
        arithmetic = report(ir.Module.parse(module.stage("rewritten"), context))
    return Compiled(variant, module, seconds, arithmetic, Energy.of(arithmetic, 1 / batch))


@torch.inference_mode()
def encode(run: Callable[..., Any], batches: Batches, advance: Callable[[], None]) -> torch.Tensor:
    """Return the embeddings of all sentences, float32 [sentences, width]."""
    rows = []
    for ids, mask in batches:
        rows.append(run(ids, mask).clone())
        advance()
    return torch.cat(rows)[: batches.count]


def compare(found: torch.Tensor, expected: torch.Tensor) -> Quality:
    """Return how embeddings agree with the expected ones; both float32 [sentences, width], rows of length 1."""
    errors = (found - expected).abs()
    x, y = found.double(), expected.double()
    similarities = _similarities(x)
    neighbours = _nearest(similarities)
    return Quality(
        largest_error=float(errors.max()),
        errors=errors,
        cosines=torch.nn.functional.cosine_similarity(x, y, dim=1),
        similarities=similarities,
        neighbours=neighbours,
        agreeing=int((neighbours == _nearest(_similarities(y))).sum()),
    )


def time_all(
    subjects: Mapping[str, Callable[..., Any]], batches: Batches, repeats: int, advance: Callable[[], None]
) -> dict[str, Timing]:
    """Time one batch of every subject, interleaved, and return seconds a sentence."""
    rows = len(batches[0][0])
    with torch.inference_mode():
        timings = time_interleaved(
            {name: _one_batch(run, batches) for name, run in subjects.items()}, repeats, advance=advance
        )
    return {name: timing.scaled(1 / rows) for name, timing in timings.items()}


def _one_batch(run: Callable[..., Any], batches: Batches) -> Callable[[int], object]:
    return lambda number: run(*batches[number])


def _similarities(rows: torch.Tensor) -> torch.Tensor:
    unit = torch.nn.functional.normalize(rows, dim=1)
    return unit @ unit.T


def _nearest(similarities: torch.Tensor) -> torch.Tensor:
    return similarities.clone().fill_diagonal_(-2).argmax(1)
