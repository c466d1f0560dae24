"""Adapted language models: the logits of a prompt, and a training step, for each method of parameter-efficient tuning.

Selective methods (group 12) change no computation of inference: they have training steps only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .graph import Graph, number
from .peft.library import TOKENS
from .peft.methods import METHODS, Architecture, Method
from .transformer_sizes import LLAMA_110M, OPT_125M, TransformerSizes

if TYPE_CHECKING:
    import torch

    from .graph import Built

TOLERANCE = 1e-4
SURVEY = "Han et al., Parameter-Efficient Fine-Tuning for Large Models (arXiv 2403.14608)"
BASES: Mapping[Architecture, TransformerSizes] = {"opt": OPT_125M, "llama": LLAMA_110M}
NAMES: Mapping[Architecture, str] = {"opt": "OPT-125M", "llama": "LLaMA-style, 110M"}


def inference(method: Method, sizes: TransformerSizes, batch: int, tokens: int) -> Graph:
    """Return ids int64 [batch, tokens] (and what else the method takes) -> logits f32 [batch, tokens, vocabulary].

    Operations and bytes are the base model's: what the adapter adds is small beside them.
    """
    return Graph(
        name=f"peft-{method.name}-{batch}x{tokens}",
        family="peft",
        what=f"{NAMES[method.architecture]}: {method.what}; {batch} x {tokens} tokens to the logits of each",
        build=lambda: _inference(method, sizes, batch, tokens),
        flops=sizes.flops(batch, tokens, tokens, logits=True),
        bytes=sizes.bytes(batch, tokens, logits=True),
        tolerance=TOLERANCE,
        workload=f"peft-{method.name}",
        sizes={"batch": batch, "tokens": tokens, **sizes.sizes},
        small_sizes={"batch": 2, "tokens": 8, **sizes.small_sizes},
        make=lambda given: inference(method, sizes.at(given), number(given, "batch"), number(given, "tokens")),
        tags=("adapter", *sizes.tags),
        source=SURVEY,
    )


def training(method: Method, sizes: TransformerSizes, batch: int, tokens: int) -> Graph:
    """Return ids and labels int64 [batch, tokens] (and what else the method takes) -> the loss and all gradients.

    Operations are the base model's forward and, of backward, the gradients of hidden states: those of frozen weights
    are not computed.
    """
    return Graph(
        name=f"peft-{method.name}-training-{batch}x{tokens}",
        family="peft-training",
        what=f"{NAMES[method.architecture]}: {method.what}; a training step on {batch} x {tokens} tokens",
        build=lambda: _training(method, sizes, batch, tokens),
        flops=2 * sizes.flops(batch, tokens, tokens, logits=True),
        bytes=sizes.bytes(batch, tokens, logits=True),
        tolerance=TOLERANCE,
        workload=f"peft-{method.name}-training",
        sizes={"batch": batch, "tokens": tokens, **sizes.sizes},
        small_sizes={"batch": 2, "tokens": 8, **sizes.small_sizes},
        make=lambda given: training(method, sizes.at(given), number(given, "batch"), number(given, "tokens")),
        tags=("adapter", "backward", *sizes.tags),
        source=SURVEY,
    )


def prefix_decode(sizes: TransformerSizes, batch: int, context: int) -> Graph:
    """Return a decode step behind a prefix: see `prefixes.PrefixDecode` for its inputs."""
    return Graph(
        name=f"peft-prefix-tuning-decode-{batch}",
        family="peft",
        what=f"OPT-125M: a token for each of {batch} behind a prefix, context {context}",
        build=lambda: _decode(sizes, batch, context, in_place=True),
        flops=sizes.flops(batch, 1, context, logits=True),
        bytes=sizes.bytes(batch, 1, logits=True, cached=context),
        tolerance=TOLERANCE,
        functional=lambda: _decode(sizes, batch, context, in_place=False),
        workload="peft-prefix-tuning-decode",
        sizes={"batch": batch, "context": context, **sizes.sizes},
        small_sizes={"batch": 2, "context": 24, **sizes.small_sizes},
        make=lambda given: prefix_decode(sizes.at(given), number(given, "batch"), number(given, "context")),
        tags=("adapter", *sizes.tags),
        source=SURVEY,
    )


def peft_graphs(
    bases: Mapping[Architecture, TransformerSizes], batch: int, tokens: int, context: int
) -> tuple[Graph, ...]:
    """Return the graphs of all methods on bases of these sizes."""
    one = [inference(m, bases[m.architecture], batch, tokens) for m in METHODS if m.inference]
    two = [training(m, bases[m.architecture], batch, tokens) for m in METHODS if m.training]
    return (*one, prefix_decode(bases["opt"], batch, context), *two)


def _inputs(method: Method, sizes: TransformerSizes, batch: int, tokens: int) -> tuple[torch.Tensor, ...]:
    import torch

    torch.manual_seed(1)
    ids = torch.randint(0, sizes.vocabulary, (batch, tokens))
    return ids, *(torch.arange(1, batch + 1) % count for count in method.more.values())


def _inference(method: Method, sizes: TransformerSizes, batch: int, tokens: int) -> Built:
    from .peft.forms import Logits

    return Logits(method.make(sizes), tuple(method.more)).eval(), _inputs(method, sizes, batch, tokens)


def _training(method: Method, sizes: TransformerSizes, batch: int, tokens: int) -> Built:
    from ..compiler.training import LossAndGradients
    from .peft.forms import Loss

    ids, *more = _inputs(method, sizes, batch, tokens)
    return LossAndGradients(Loss(method.make(sizes), tuple(method.more)).eval()), (ids, ids, *more)


def _decode(sizes: TransformerSizes, batch: int, context: int, *, in_place: bool) -> Built:
    import torch

    from .decode import empty_caches, step_inputs
    from .peft.prefixes import PrefixDecode

    model = sizes.model(logits=True)
    torch.manual_seed(1)
    ids = torch.randint(0, sizes.vocabulary, (batch, 1))
    caches = tuple(torch.randn_like(cache) for cache in empty_caches(model.config, batch, context))
    module = PrefixDecode(model, TOKENS, in_place=in_place).eval()
    return module, (*step_inputs(ids, first=context - 1, context=context), *caches)


PEFT: tuple[Graph, ...] = peft_graphs(BASES, 1, 128, 512)
