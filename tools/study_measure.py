"""What the study measures: how the embeddings of one configuration agree with those of torch in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..bindings import ir, new_context
from ..compiler.api import compile as compile_graph
from ..compiler.build import lower_text
from ..compiler.compiled import CompiledModule
from ..compiler.options import CompileOptions
from ..datasets.encoder import EncoderFolder
from ..datasets.sentences import Sentence
from ..kernels.lmul import LMul
from ..passes.lmul_report import report
from ..target import Target
from .demo_measure import Batches, Quality, compare, encode, export
from .study_arithmetic import rounded_to
from .study_configurations import Configuration
from .study_products import check_coverage, multiplying
from .study_statistics import Array, rank_agreement

Encode = Callable[[Tensor, Tensor], Tensor]
"""From ids and mask of a batch to its embeddings."""


@dataclass(frozen=True)
class Figures:
    """What was measured of one configuration, one entry a sentence."""

    cosine_errors: Array
    """1 - cosine with the embedding of torch in float32, float64."""
    neighbours: Array
    """The nearest other sentence, int64."""
    ranks: Array
    """Kendall's tau of the ranking of all other sentences by similarity, against float32's; float64."""


class Subject:
    """An encoder with its sentences, exported once, and torch's float32 embeddings to compare with.

    Raises GraphError where it cannot be exported or where `multiplying` does not reach all of its multiplies.
    """

    def __init__(
        self,
        encoder: EncoderFolder,
        sentences: Sequence[Sentence],
        *,
        batch: int,
        tokens: int,
        threads: int,
        cache_dir: Path | None,
    ):
        self.sentences = sentences
        self.threads = threads
        self.cache_dir = cache_dir
        self.batches = Batches(encoder, [sentence.text for sentence in sentences], batch, tokens)
        self.program = export(encoder.module, self.batches)
        # What the result does not depend on, such as a pooler, is no part of the compiled graph.
        self.program.graph_module.graph.eliminate_dead_code()
        self.torch_program: Encode = self.program.module()
        """The exported graph, run by torch."""
        self.parameters = [*self.program.state_dict.values(), *self.program.constants.values()]
        exact = compile_graph(self.program, threads=threads, cache_dir=cache_dir)
        self._text = exact.stage("linalg")
        self._arguments = _arguments(exact, {**self.program.state_dict, **self.program.constants})
        self.expected = encode(encoder.module, self.batches, lambda: None)
        self.reference = compare(self.expected, self.expected)
        self._check_multiplies()

    def compiled(self, configuration: Configuration) -> Encode:
        """Return the compiled encoder of a configuration; raises SlipstickError for one that cannot be compiled.

        The graph is imported once for all; only encoded weights, which the compiler must know for parameters, are
        compiled from the exported program.
        """
        encoded = configuration.weights != "f32"
        module = compile_graph(
            self.program if encoded else self._text,
            lmul=configuration.lmul,
            weights=configuration.weights,
            threads=self.threads,
            cache_dir=self.cache_dir,
        )
        return module if encoded else lambda ids, mask: module(*self._arguments, ids, mask)

    def embeddings(self, configuration: Configuration) -> Tensor:
        """Return the embeddings of all sentences, float32 [sentences, width]."""
        if configuration.format is None:
            return encode(self.compiled(configuration), self.batches, lambda: None)
        with multiplying(rounded_to(configuration.format), configuration.scope, self.parameters):
            return torch.cat([self.torch_program(ids, mask) for ids, mask in self.batches])[: self.batches.count]

    def measure(self, configuration: Configuration) -> Figures:
        """Encode all sentences and compare."""
        quality = compare(self.embeddings(configuration), self.expected)
        return figures(quality, self.reference)

    def _check_multiplies(self) -> None:
        # Marked, every multiply stays; among exact ones the scales of queries and keys become one.
        options, target = CompileOptions(lmul=LMul()), Target.host()
        marked = lower_text(self._text, "rewritten", options, target)
        with new_context() as context:
            compiled = report(ir.Module.parse(marked, context))
        with multiplying(rounded_to("bf16"), "all", self.parameters) as seen:
            self.torch_program(*self.batches[0])
        check_coverage(seen, compiled)


def figures(found: Quality, reference: Quality) -> Figures:
    """Return the figures of each sentence from two comparisons with the reference, its own being the second."""
    return Figures(
        cosine_errors=1 - found.cosines.numpy(),
        neighbours=found.neighbours.numpy(),
        ranks=rank_agreement(found.similarities.numpy(), reference.similarities.numpy()),
    )


def on_topic(neighbours: Array, sentences: Sequence[Sentence]) -> Array:
    """Return which sentences have a neighbour of their own topic, bool [sentences]."""
    topics = np.array([sentence.topic for sentence in sentences])
    return np.asarray(topics[neighbours] == topics)


def _arguments(module: CompiledModule, state: dict[str, Any]) -> list[Tensor]:
    """Return the tensors that the graph, compiled from its text, takes before its inputs."""
    native = [a for a in module.signature.arguments if a.native is not None]
    native.sort(key=lambda argument: argument.native or 0)
    return [state[argument.name].detach() for argument in native if argument.kind != "input"]
