"""Whether the compiled kernels compute what the torch reference of L-Mul computes, on the encoder's own numbers.

Contractions: every matrix product that one batch executes, by the compiled kernel and by the reference, with the same
operands. Both sum the same K products p in f32, each in an order of its own, so that they differ by at most

    2 (K - 1) u / (1 - (K - 1) u) sum |p|,   u = 2^-24

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2). |L-Mul(x, y)| is L-Mul(|x|, |y|), hence the
sum is the reference's own product of the magnitudes.

The whole graph: its embeddings, compiled and with the reference under torch. L-Mul has steps, where a last bit that
differs becomes 2^-k, so that no such bound holds for many layers. What rounding can do is measured instead: by how
much the reference differs from itself where everything that is rounded (sums, exponentials and the like) is changed
at random by up to one unit in the last place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..compiler.api import compile as compile_graph
from ..compiler.compiled import CompiledModule
from ..kernels.lmul import LMul
from .study_arithmetic import LMulReference
from .study_configurations import Configuration
from .study_measure import Subject
from .study_products import Exact, multiplying

_UNIT = 2.0**-24


@dataclass(frozen=True)
class Agreement:
    """How far compiled code and reference lie apart, for one configuration on one batch."""

    configuration: Configuration
    contractions: int
    largest_difference: float
    """Of an element of a contraction."""
    bound: float
    """Of that element, by the order of summation."""
    share_of_bound: float
    """The largest difference of an element in terms of its own bound."""
    graph_difference: float
    """Of an element of an embedding."""
    graph_noise: float
    """The same, between the reference and the reference with noise in the last place."""

    @property
    def within(self) -> bool:
        """Whether every element of every contraction lies within its bound."""
        return self.share_of_bound <= 1


def check_agreement(subject: Subject, configuration: Configuration) -> Agreement:
    """Compare compiled code with the reference for a configuration of L-Mul."""
    lmul = configuration.lmul
    assert lmul is not None
    recorder = _Recorder()
    ids, mask = subject.batches[0]
    with multiplying(recorder, "all", subject.parameters):
        subject.torch_program(ids, mask)
    contractions = _Contractions(subject, lmul)
    for x, y in recorder.products:
        contractions.compare(x, y)
    compiled = subject.compiled(configuration)(ids, mask)
    embeddings = []
    for noise in (None, torch.Generator().manual_seed(0)):
        with multiplying(LMulReference(lmul), configuration.where, subject.parameters, noise=noise):
            embeddings.append(subject.torch_program(ids, mask))
    return Agreement(
        configuration,
        len(recorder.products),
        contractions.difference,
        contractions.bound,
        contractions.share,
        float((compiled - embeddings[0]).abs().max()),
        float((embeddings[1] - embeddings[0]).abs().max()),
    )


class _Contractions:
    """Compares matrix products; keeps the element that differs most, its bound, and the largest share of a bound."""

    difference = -1.0
    bound = 0.0
    share = 0.0

    def __init__(self, subject: Subject, lmul: LMul):
        self._subject = subject
        self._lmul = replace(lmul, scope="all")
        self._reference = LMulReference(lmul)
        self._compiled: dict[tuple[torch.Size, torch.Size], CompiledModule] = {}

    def compare(self, x: Tensor, y: Tensor) -> None:
        """Take the product of two more operands into account."""
        difference = (self._product(x, y) - self._reference.matmul(x, y)).abs()
        bound = _bound(x.shape[-1]) * self._reference.matmul(x.abs(), y.abs())
        self.share = max(self.share, float(torch.where(difference == 0, 0.0, difference / bound).max()))
        place = int(difference.argmax())
        if float(difference.flatten()[place]) > self.difference:
            self.difference, self.bound = float(difference.flatten()[place]), float(bound.flatten()[place])

    def _product(self, x: Tensor, y: Tensor) -> Tensor:
        shapes = x.shape, y.shape
        if shapes not in self._compiled:
            self._compiled[shapes] = compile_graph(
                _product_text(x.shape, y.shape),
                lmul=self._lmul,
                threads=self._subject.threads,
                cache_dir=self._subject.cache_dir,
            )
        result: Tensor = self._compiled[shapes](x, y)
        return result


def _bound(depth: int) -> float:
    """Return what the sum of magnitudes is multiplied by: both sums may be off by that of Higham."""
    terms = (depth - 1) * _UNIT
    return 2 * terms / (1 - terms)


def _product_text(x: torch.Size, y: torch.Size) -> str:
    """Return a matrix product of two f32 arguments, or one of batches, at the stage "linalg"."""
    left, right, result = (f"tensor<{'x'.join(map(str, shape))}xf32>" for shape in (x, y, (*x[:-1], y[-1])))
    name = "matmul" if len(x) == 2 else "batch_matmul"
    return f"""
func.func @main(%x: {left}, %y: {right}) -> {result} {{
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : {result}
  %start = linalg.fill ins(%zero : f32) outs(%empty : {result}) -> {result}
  %product = linalg.{name} ins(%x, %y : {left}, {right}) outs(%start : {result}) -> {result}
  return %product : {result}
}}
"""


class _Recorder(Exact):
    """The arithmetic of torch, which remembers the operands of matrix products."""

    def __init__(self) -> None:
        self.products: list[tuple[Tensor, Tensor]] = []

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        self.products.append((x.contiguous(), y.contiguous()))
        return super().matmul(x, y)
