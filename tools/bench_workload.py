"""A graph of the suite as the subjects of a benchmark take it: module, inputs, and what torch computes from them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from ..datasets.graph import Graph
from ..errors import SlipstickError
from .output import quiet


@dataclass
class Form:
    """A module with inputs, and what torch eager returns for them."""

    module: torch.nn.Module
    inputs: tuple[torch.Tensor, ...]
    overwrites: bool
    """Whether a call writes into its inputs."""
    expected: list[torch.Tensor] = field(default_factory=list)
    """The results, and the inputs behind them where a call overwrites some."""

    def __post_init__(self) -> None:
        self._initial = [tensor.clone() for tensor in self.inputs] if self.overwrites else []
        with torch.inference_mode():
            self.expected = self.observed(self.module(*self.inputs))

    def reset(self) -> None:
        """Give overwritten inputs their first values again."""
        for tensor, initial in zip(self.inputs, self._initial, strict=False):
            tensor.copy_(initial)

    def observed(self, value: Any) -> list[torch.Tensor]:
        """Return copies of the tensors of a result, and of the inputs where a call overwrites some."""
        tensors = [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(value)]
        if self.overwrites:
            tensors += self.inputs
        return [tensor.detach().clone() for tensor in tensors]


class Workload:
    """One graph on some threads. Building it runs the graph once in torch."""

    def __init__(self, graph: Graph, threads: int, folder: Path):
        torch.set_num_threads(threads)
        self.graph = graph
        self.threads = threads
        self.folder = folder
        """For files of peers; deleted by whoever made it."""
        module, inputs = graph.build()
        self.form = Form(module, inputs, overwrites=graph.functional is not None)
        self.onnx_seconds = 0.0
        """How long the export to ONNX took, if one was made."""

    @cached_property
    def functional(self) -> Form:
        """The form that leaves its inputs alone and returns what it would have written."""
        if self.graph.functional is None:
            return self.form
        module, inputs = self.graph.functional()
        return Form(module, inputs, overwrites=False)

    @cached_property
    def onnx(self) -> Path:
        """The functional form as an ONNX file, with the weights in a file beside it, by torch's own exporter.

        Raises SlipstickError where torch cannot export it.
        """
        start = time.perf_counter()
        path = self.folder / "model.onnx"
        form = self.functional
        try:
            with torch.no_grad(), quiet():
                program = torch.onnx.export(form.module, form.inputs, dynamo=True, optimize=True, verbose=False)
                assert program is not None
                program.save(path, external_data=True)
        except Exception as error:
            raise SlipstickError(f"torch.onnx cannot export it: {first_line(error)}") from error
        self.onnx_seconds = time.perf_counter() - start
        return path


@dataclass(frozen=True)
class Agreement:
    """How far results are from those of torch."""

    error: float
    """The largest difference over all results, as a share of the largest magnitude of each; infinite where shapes
    differ or something is not a number."""
    cosine: float
    """The smallest cosine of a whole floating-point result with torch's."""


def compare(found: Sequence[torch.Tensor], expected: Sequence[torch.Tensor], *, gradients: bool = False) -> Agreement:
    """Compare results one by one, each by its magnitude: see `magnitudes`."""
    if [tensor.shape for tensor in found] != [tensor.shape for tensor in expected]:
        return Agreement(float("inf"), 0.0)
    error, cosine = 0.0, 1.0
    for value, wanted, scale in zip(found, expected, magnitudes(expected, gradients=gradients), strict=True):
        value, wanted = value.double().flatten(), wanted.double().flatten()
        if wanted.numel() == 0 or not (bool(wanted.any()) or bool(value.any())):
            continue
        difference = float((value - wanted).abs().max()) / scale
        if not difference < float("inf"):
            return Agreement(float("inf"), 0.0)
        error = max(error, difference)
        lengths = float(value.norm() * wanted.norm())
        cosine = min(cosine, float(value @ wanted) / lengths if lengths else 0.0)
    return Agreement(error, cosine)


def magnitudes(expected: Sequence[torch.Tensor], *, gradients: bool = False) -> list[float]:
    """Return the largest magnitude of each result, 1 where all of one is zero.

    With `gradients`, those behind the first count as having a magnitude of at least a thousandth of the largest among
    them: some, such as those of what is added to all keys, are zero but for rounding.
    """
    found = [float(one.double().abs().max()) if one.numel() else 0.0 for one in expected]
    floor = 1e-3 * max(found[1:], default=0.0) if gradients else 0.0
    return [max(one, floor if number else 0.0) or 1.0 for number, one in enumerate(found)]


def first_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its text, at most 300 characters."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no message'}"[:300]
