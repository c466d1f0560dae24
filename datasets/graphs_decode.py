"""Decode steps: one token for each sequence of a batch, against a full static cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import Graph, number
from .transformer_sizes import GPT2, LLAMA_110M, LLAMA_135M, OPT_1_3B, OPT_125M, PAPERS, TransformerSizes

if TYPE_CHECKING:
    from .graph import Built

CONTEXT = 512


def decode(name: str, what: str, sizes: TransformerSizes, batch: int, context: int = CONTEXT) -> Graph:
    """Return a step at the last slot of caches of `context` tokens; see `decode.DecodeStep` for its inputs."""
    return Graph(
        name=f"{name}-decode-{batch}",
        family="decode",
        what=f"{what}, random weights: a token for each of {batch}, context {context}",
        build=lambda: _step(sizes, batch, context, in_place=True),
        flops=sizes.flops(batch, 1, context, logits=True),
        bytes=sizes.bytes(batch, 1, logits=True, cached=context),
        tolerance=1e-4,
        functional=lambda: _step(sizes, batch, context, in_place=False),
        workload=f"{name}-decode",
        sizes={"batch": batch, "context": context, **sizes.sizes},
        small_sizes={"batch": min(batch, 2), "context": 16, **sizes.small_sizes},
        make=lambda given: decode(name, what, sizes.at(given), number(given, "batch"), number(given, "context")),
        tags=("cache", *sizes.tags),
        source=PAPERS[sizes.architecture],
    )


def _step(sizes: TransformerSizes, batch: int, context: int, *, in_place: bool) -> Built:
    import torch

    from .decode import DecodeStep, empty_caches, step_inputs

    model = sizes.model(logits=True)
    torch.manual_seed(1)
    ids = torch.randint(0, sizes.vocabulary, (batch, 1))
    caches = tuple(torch.randn_like(cache) for cache in empty_caches(model.config, batch, context))
    return DecodeStep(model, in_place=in_place).eval(), (*step_inputs(ids, first=context - 1, context=context), *caches)


DECODES: tuple[Graph, ...] = (
    decode("opt-125m", "OPT-125M", OPT_125M, 1),
    decode("opt-125m", "OPT-125M", OPT_125M, 8),
    decode("opt-1.3b", "OPT-1.3B", OPT_1_3B, 1),
    decode("llama-110m", "LLaMA-style, 110M", LLAMA_110M, 1),
)
MORE_DECODES: tuple[Graph, ...] = (
    decode("gpt2", "GPT-2 small", GPT2, 1),
    decode("gpt2", "GPT-2 small", GPT2, 8),
    decode("llama-135m", "LLaMA-style, the shape of SmolLM2-135M", LLAMA_135M, 1),
    decode("llama-135m", "LLaMA-style, the shape of SmolLM2-135M", LLAMA_135M, 8),
)
