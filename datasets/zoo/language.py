"""Further language models: encoders, decoders that read a prompt, and their decode steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Graph, Sizes, number
from .architecture import TOLERANCE, Architecture, Use
from .inputs import token_ids

if TYPE_CHECKING:
    from ..graph import Built

SMALL: Final[Sizes] = {"vocab_size": 101, "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
SHARED: Final[Sizes] = {**SMALL, "num_key_value_heads": 2, "intermediate_size": 96}
READ = Use(
    ("input_ids",),
    "logits",
    {"batch": 1, "tokens": 128},
    {"batch": 2, "tokens": 16},
    lambda sizes: (token_ids(sizes),),
    {"use_cache": False},
)
ENCODE = Use(
    ("input_ids",),
    "last_hidden_state",
    {"batch": 1, "tokens": 128},
    {"batch": 2, "tokens": 16},
    lambda sizes: (token_ids(sizes),),
)


def _sizes(vocabulary: int, width: int, layers: int, heads: int, **more: int) -> Sizes:
    common = {"vocab_size": vocabulary, "hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {**common, **more}


OPT_350M: Final = Architecture(
    "opt-350m",
    "AutoModelForCausalLM",
    "OPTConfig",
    _sizes(50272, 1024, 24, 16, ffn_dim=4096, max_position_embeddings=2048, word_embed_proj_dim=512),
    {**SMALL, "ffn_dim": 96, "max_position_embeddings": 64, "word_embed_proj_dim": 32},
    "Zhang et al., OPT (arXiv 2205.01068)",
    ("causal", "learned-positions", "post-norm", "narrow-embeddings"),
    {"do_layer_norm_before": False},
)
PYTHIA: Final = Architecture(
    "pythia-160m",
    "AutoModelForCausalLM",
    "GPTNeoXConfig",
    _sizes(50304, 768, 12, 12, intermediate_size=3072, max_position_embeddings=2048),
    {**SMALL, "intermediate_size": 96, "max_position_embeddings": 64},
    "Biderman et al., Pythia (arXiv 2304.01373)",
    ("causal", "rotary", "parallel-layers"),
)
QWEN2: Final = Architecture(
    "qwen2.5-0.5b",
    "AutoModelForCausalLM",
    "Qwen2Config",
    _sizes(151936, 896, 24, 14, num_key_value_heads=2, intermediate_size=4864),
    SHARED,
    "Qwen2.5 Technical Report (arXiv 2412.15115)",
    ("causal", "rotary", "gated", "grouped-queries"),
    {"tie_word_embeddings": True},
)
QWEN3: Final = Architecture(
    "qwen3-0.6b",
    "AutoModelForCausalLM",
    "Qwen3Config",
    _sizes(151936, 1024, 28, 16, num_key_value_heads=8, intermediate_size=3072, head_dim=128),
    {**SHARED, "head_dim": 16},
    "Qwen3 Technical Report (arXiv 2505.09388)",
    ("causal", "rotary", "gated", "grouped-queries", "normalised-queries"),
    {"tie_word_embeddings": True},
)
GEMMA3: Final = Architecture(
    "gemma3-270m",
    "AutoModelForCausalLM",
    "Gemma3TextConfig",
    _sizes(262144, 640, 18, 4, num_key_value_heads=1, intermediate_size=2048, head_dim=256, sliding_window=512),
    {**SHARED, "num_key_value_heads": 1, "head_dim": 16, "sliding_window": 8},
    "Gemma 3 Technical Report (arXiv 2503.19786)",
    ("causal", "rotary", "gated", "one-key-head", "sliding-window"),
)
BLOOM: Final = Architecture(
    "bloom-560m",
    "AutoModelForCausalLM",
    "BloomConfig",
    {"vocab_size": 250880, "hidden_size": 1024, "n_layer": 24, "n_head": 16},
    {"vocab_size": 101, "hidden_size": 64, "n_layer": 1, "n_head": 4},
    "BigScience, BLOOM (arXiv 2211.05100)",
    ("causal", "linear-biases"),
)
PHI: Final = Architecture(
    "phi-1.5",
    "AutoModelForCausalLM",
    "PhiConfig",
    _sizes(51200, 2048, 24, 32, intermediate_size=8192, max_position_embeddings=2048),
    {**SMALL, "intermediate_size": 96, "max_position_embeddings": 64},
    "Li et al., Textbooks Are All You Need II (arXiv 2309.05463)",
    ("causal", "rotary", "parallel-layers"),
)


def _encoder(name: str, config: str, sizes: Sizes, small: Sizes, source: str, *tags: str) -> Graph:
    model = Architecture(name, "AutoModel", config, sizes, small, source, ("bidirectional", *tags), {"pad_token_id": 0})
    return ENCODE.graph("encoder", model, "1 x 128 tokens to hidden states", "-1x128")


_BERT_LIKE: Final = {"intermediate_size": 3072, "max_position_embeddings": 514}
_SMALL_BERT: Final = {**SMALL, "intermediate_size": 96, "max_position_embeddings": 66}

READERS: tuple[Graph, ...] = (
    *(
        READ.graph("prefill", model, "1 x 128 tokens to the logits of each", "-prefill-1x128")
        for model in (OPT_350M, PYTHIA, QWEN2, QWEN3, GEMMA3, BLOOM, PHI)
    ),
    _encoder(
        "roberta-base",
        "RobertaConfig",
        _sizes(50265, 768, 12, 12, **_BERT_LIKE),
        _SMALL_BERT,
        "Liu et al., RoBERTa (arXiv 1907.11692)",
    ),
    _encoder(
        "distilbert-base",
        "DistilBertConfig",
        {"vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072},
        {"vocab_size": 101, "dim": 64, "n_layers": 1, "n_heads": 4, "hidden_dim": 96},
        "Sanh et al., DistilBERT (arXiv 1910.01108)",
    ),
    _encoder(
        "albert-base",
        "AlbertConfig",
        _sizes(30000, 768, 12, 12, embedding_size=128, **_BERT_LIKE),
        {**_SMALL_BERT, "num_hidden_layers": 2, "embedding_size": 32},
        "Lan et al., ALBERT (arXiv 1909.11942)",
        "shared-layers",
    ),
    _encoder(
        "electra-small",
        "ElectraConfig",
        _sizes(30522, 256, 12, 4, embedding_size=128, intermediate_size=1024, max_position_embeddings=512),
        {**_SMALL_BERT, "embedding_size": 32},
        "Clark et al., ELECTRA (arXiv 2003.10555)",
        "narrow-embeddings",
    ),
    _encoder(
        "mpnet-base",
        "MPNetConfig",
        _sizes(30527, 768, 12, 12, **_BERT_LIKE),
        _SMALL_BERT,
        "Song et al., MPNet (arXiv 2004.09297)",
        "relative-positions",
    ),
    _encoder(
        "modernbert-base",
        "ModernBertConfig",
        _sizes(50368, 768, 22, 12, intermediate_size=1152, local_attention=128),
        {**SMALL, "intermediate_size": 96, "local_attention": 8},
        "Warner et al., ModernBERT (arXiv 2412.13663)",
        "rotary",
        "gated",
        "sliding-window",
    ),
)


def decoder(model: Architecture, batch: int, context: int = 512) -> Graph:
    """Return a decode step of a causal model at the last slot of caches of `context` tokens."""

    def build(*, in_place: bool) -> Built:
        import torch

        from ..decode import DecodeStep, empty_caches, step_inputs

        built = model.build()
        torch.manual_seed(1)
        ids = token_ids({**model.sizes, "batch": batch, "tokens": 1})
        caches = tuple(torch.randn_like(cache) for cache in empty_caches(built.config, batch, context))
        inputs = step_inputs(ids, first=context - 1, context=context)
        return DecodeStep(built, in_place=in_place).eval(), (*inputs, *caches)

    return Graph(
        name=f"{model.name}-decode-{batch}",
        family="decode",
        what=f"{model.name}, random weights: a token for each of {batch}, context {context}",
        build=lambda: build(in_place=True),
        flops=None,
        bytes=None,
        tolerance=TOLERANCE,
        functional=lambda: build(in_place=False),
        workload=f"{model.name}-decode",
        sizes={"batch": batch, "context": context, **model.sizes},
        small_sizes={"batch": min(batch, 2), "context": 16, **model.small},
        make=lambda given: decoder(model.at(given), number(given, "batch"), number(given, "context")),
        tags=("cache", *model.tags),
        source=model.source,
    )


DECODERS: tuple[Graph, ...] = (
    decoder(OPT_350M, 1),
    decoder(PYTHIA, 1),
    decoder(QWEN2, 1),
    decoder(QWEN2, 8, 2048),
    decoder(QWEN3, 1),
)
