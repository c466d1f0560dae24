"""Whole sequences through transformers: encoders, and decoders reading a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import Graph, number
from .transformer_sizes import (
    BERT_BASE,
    GPT2,
    LLAMA_110M,
    LLAMA_135M,
    MINILM_L6,
    OPT_1_3B,
    OPT_125M,
    PAPERS,
    TransformerSizes,
)

if TYPE_CHECKING:
    from .graph import Built

TOLERANCE = 1e-4


def trained_encoder(batch: int, tokens: int) -> Graph:
    """Return the sentence encoder of the `demo` extra on `batch` sentences of the corpus, padded to `tokens`.

    Building raises ArgumentError when the extra is not installed.
    """
    return Graph(
        name=f"minilm-{batch}x{tokens}",
        family="encoder",
        what=f"all-MiniLM-L6-v2, trained: {batch} sentences x {tokens} tokens to embeddings",
        build=lambda: _trained_encoder(batch, tokens),
        flops=MINILM_L6.flops(batch, tokens, tokens, logits=False),
        bytes=MINILM_L6.bytes(batch, tokens, logits=False),
        tolerance=TOLERANCE,
        workload="minilm",
        sizes={"batch": batch, "tokens": tokens},
        small_sizes={"batch": min(batch, 2), "tokens": 8},
        make=lambda sizes: trained_encoder(number(sizes, "batch"), number(sizes, "tokens")),
        tags=("trained", "padding", *MINILM_L6.tags),
        source="Wang et al., MiniLM (arXiv 2002.10957); Reimers and Gurevych (arXiv 1908.10084)",
    )


def _trained_encoder(batch: int, tokens: int) -> Built:
    from .encoder import demo_folder, load_encoder
    from .sentences import load_sentences

    encoder = load_encoder(demo_folder())
    texts = [sentence.text for sentence in load_sentences()]
    # A text for each row, long enough to fill most of it.
    count = -(-tokens // 16)
    joined = [" ".join(texts[row * count : (row + 1) * count]) for row in range(batch)]
    return encoder.module, encoder.tokenize(joined, tokens)


def encoder(name: str, what: str, sizes: TransformerSizes, batch: int, tokens: int) -> Graph:
    """Return a model without language head: ids int64 [batch, tokens] -> hidden states f32 [batch, tokens, width]."""
    return Graph(
        name=f"{name}-{batch}x{tokens}",
        family="encoder" if sizes.architecture == "bert" else "prefill",
        what=f"{what}, random weights: {batch} x {tokens} tokens to hidden states",
        build=lambda: _sequence(sizes, batch, tokens, logits=False),
        flops=sizes.flops(batch, tokens, tokens, logits=False),
        bytes=sizes.bytes(batch, tokens, logits=False),
        tolerance=TOLERANCE,
        workload=name,
        sizes={"batch": batch, "tokens": tokens, **sizes.sizes},
        small_sizes={"batch": min(batch, 2), "tokens": 16, **sizes.small_sizes},
        make=lambda given: encoder(name, what, sizes.at(given), number(given, "batch"), number(given, "tokens")),
        tags=sizes.tags,
        source=PAPERS[sizes.architecture],
    )


def prefill(name: str, what: str, sizes: TransformerSizes, batch: int, tokens: int) -> Graph:
    """Return a decoder with language head: ids int64 [batch, tokens] -> logits f32 [batch, tokens, vocabulary]."""
    return Graph(
        name=f"{name}-prefill-{batch}x{tokens}",
        family="prefill",
        what=f"{what}, random weights: {batch} x {tokens} tokens to the logits of each",
        build=lambda: _sequence(sizes, batch, tokens, logits=True),
        flops=sizes.flops(batch, tokens, tokens, logits=True),
        bytes=sizes.bytes(batch, tokens, logits=True),
        tolerance=TOLERANCE,
        workload=f"{name}-prefill",
        sizes={"batch": batch, "tokens": tokens, **sizes.sizes},
        small_sizes={"batch": min(batch, 2), "tokens": 16, **sizes.small_sizes},
        make=lambda given: prefill(name, what, sizes.at(given), number(given, "batch"), number(given, "tokens")),
        tags=sizes.tags,
        source=PAPERS[sizes.architecture],
    )


def _sequence(sizes: TransformerSizes, batch: int, tokens: int, *, logits: bool) -> Built:
    import torch

    from .sequence import Sequence

    module = Sequence(sizes.model(logits=logits), "logits" if logits else "last_hidden_state")
    torch.manual_seed(1)
    return module.eval(), (torch.randint(0, sizes.vocabulary, (batch, tokens)),)


ENCODERS: tuple[Graph, ...] = (
    trained_encoder(8, 32),
    trained_encoder(1, 128),
    encoder("bert-base", "BERT-base", BERT_BASE, 1, 128),
)
PREFILLS: tuple[Graph, ...] = (
    prefill("opt-125m", "OPT-125M", OPT_125M, 1, 128),
    prefill("opt-125m", "OPT-125M", OPT_125M, 8, 128),
    prefill("llama-110m", "LLaMA-style, 110M", LLAMA_110M, 1, 128),
)
MORE_MODELS: tuple[Graph, ...] = (
    prefill("gpt2", "GPT-2 small", GPT2, 1, 128),
    prefill("llama-135m", "LLaMA-style, the shape of SmolLM2-135M", LLAMA_135M, 1, 128),
    prefill("opt-1.3b", "OPT-1.3B", OPT_1_3B, 1, 128),
    encoder("gpt2", "GPT-2 small", GPT2, 1, 128),
    encoder("opt-125m", "OPT-125M", OPT_125M, 1, 128),
    encoder("llama-135m", "LLaMA-style, the shape of SmolLM2-135M", LLAMA_135M, 1, 128),
)
