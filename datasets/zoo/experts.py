"""Mixtures of experts: a router sends each token to a few of several feed-forward parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Graph, Sizes, number
from .architecture import Architecture
from .language import READ, SHARED, decoder

if TYPE_CHECKING:
    from ..graph import Built

_MIXTRAL: Final = Architecture(
    "mixtral-4x",
    "AutoModelForCausalLM",
    "MixtralConfig",
    {
        "vocab_size": 32000,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 4,
        "intermediate_size": 2048,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
    },
    SHARED,
    "Jiang et al., Mixtral of Experts (arXiv 2401.04088), at the width of GPT-2 small",
    ("causal", "rotary", "gated", "grouped-queries", "experts"),
)
_QWEN: Final = Architecture(
    "qwen2-moe-8x",
    "AutoModelForCausalLM",
    "Qwen2MoeConfig",
    {
        "vocab_size": 32000,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
        "intermediate_size": 2048,
        "moe_intermediate_size": 512,
        "shared_expert_intermediate_size": 2048,
        "num_experts": 8,
        "num_experts_per_tok": 2,
    },
    {**SHARED, "moe_intermediate_size": 48, "shared_expert_intermediate_size": 96, "num_experts": 4},
    "Qwen2 Technical Report (arXiv 2407.10671), at the width of GPT-2 small",
    ("causal", "rotary", "gated", "experts", "shared-expert"),
)


def block(tokens: int, width: int, inner: int, experts: int, chosen: int) -> Graph:
    """Return one mixture of experts alone: hidden states f32 [tokens, width] -> the same."""

    def build() -> Built:
        import torch

        from .modules import ExpertMixture

        torch.manual_seed(0)
        return ExpertMixture(width, inner, experts, chosen).eval(), (torch.randn(tokens, width),)

    token = 2 * width * experts + experts * 6 * width * inner
    weights = experts * (width + 3 * width * inner)
    return Graph(
        name="expert-block",
        family="mixture-of-experts",
        what=f"{tokens} tokens of width {width} to {chosen} of {experts} gated experts, each computing all tokens",
        build=build,
        flops=tokens * token,
        bytes=4 * (2 * tokens * width + weights),
        tolerance=1e-5,
        sizes={"tokens": tokens, "width": width, "inner": inner, "experts": experts, "chosen": chosen},
        small_sizes={"tokens": 9, "width": 32, "inner": 48, "experts": 4},
        make=_block,
        tags=("experts", "gated"),
        source="Jiang et al., Mixtral of Experts (arXiv 2401.04088)",
    )


def _block(sizes: Sizes) -> Graph:
    return block(*(number(sizes, name) for name in ("tokens", "width", "inner", "experts", "chosen")))


EXPERTS: tuple[Graph, ...] = (
    block(128, 768, 2048, 4, 2),
    READ.graph("mixture-of-experts", _MIXTRAL, "1 x 128 tokens to the logits of each", "-prefill-1x128"),
    READ.graph("mixture-of-experts", _QWEN, "1 x 128 tokens to the logits of each", "-prefill-1x128"),
    decoder(_MIXTRAL, 1),
)
