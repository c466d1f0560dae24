"""Models that carry a state from token to token; their loops over tokens are unrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Graph, Sizes, number
from .architecture import Architecture, Use
from .inputs import token_ids
from .own import own

if TYPE_CHECKING:
    import torch


def _draw(sizes: Sizes) -> tuple[torch.Tensor, ...]:
    import torch

    return (torch.randn(*(number(sizes, name) for name in ("batch", "tokens", "width"))),)


def _recurrent(kind: str, source: str) -> Graph:
    def make(sizes: Sizes) -> torch.nn.Module:
        from .modules import Recurrent

        return Recurrent(kind, *(number(sizes, name) for name in ("width", "inner", "layers")))

    sizes = {"batch": 1, "tokens": 32, "width": 512, "inner": 512, "layers": 2}
    small = {"batch": 2, "tokens": 4, "width": 24, "inner": 32}
    return own(kind, "recurrent", "hidden states of 1 x 32 vectors", make, _draw, sizes, small, source, "unrolled")


_READ: Final = Use(
    ("input_ids",),
    "logits",
    {"batch": 1, "tokens": 16},
    {"tokens": 4},
    lambda sizes: (token_ids(sizes),),
    {"use_cache": False},
)
_MAMBA: Final = Architecture(
    "mamba-130m",
    "MambaForCausalLM",
    "MambaConfig",
    {"vocab_size": 50280, "hidden_size": 768, "num_hidden_layers": 24, "state_size": 16, "time_step_rank": 48},
    {"vocab_size": 101, "hidden_size": 32, "num_hidden_layers": 1, "state_size": 8, "time_step_rank": 4},
    "Gu and Dao, Mamba (arXiv 2312.00752)",
    ("causal", "unrolled"),
)
_RWKV: Final = Architecture(
    "rwkv-4-169m",
    "RwkvForCausalLM",
    "RwkvConfig",
    {
        "vocab_size": 50277,
        "hidden_size": 768,
        "attention_hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
    },
    {
        "vocab_size": 101,
        "hidden_size": 32,
        "attention_hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
    },
    "Peng et al., RWKV (arXiv 2305.13048)",
    ("causal", "unrolled"),
)

RECURRENT: tuple[Graph, ...] = (
    _recurrent("lstm", "Hochreiter and Schmidhuber, Neural Computation 9, 1997"),
    _recurrent("gru", "Cho et al. (arXiv 1406.1078)"),
    _READ.graph("recurrent", _RWKV, "1 x 16 tokens to the logits of each", "-1x16"),
    _READ.graph("state-space", _MAMBA, "1 x 16 tokens to the logits of each", "-1x16"),
)
