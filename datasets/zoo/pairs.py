"""Models of two inputs: encoders with decoders, images with texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Graph, Sizes, number
from .architecture import Architecture, Use
from .inputs import images, token_ids
from .own import own

if TYPE_CHECKING:
    import torch

_TRANSLATE: Final = Use(
    ("input_ids", "decoder_input_ids"),
    "logits",
    {"batch": 1, "tokens": 64, "decoder_tokens": 32},
    {"tokens": 12, "decoder_tokens": 5},
    lambda sizes: (token_ids(sizes), token_ids(sizes, "decoder_tokens")),
    {"use_cache": False},
)


def _bart(vocabulary: int, width: int, inner: int, heads: int, layers: int, positions: int) -> Sizes:
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "encoder_layers": layers,
        "decoder_layers": layers,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": inner,
        "decoder_ffn_dim": inner,
        "max_position_embeddings": positions,
    }


_SMALL: Final = _bart(101, 64, 96, 4, 1, 64)
_ARCHITECTURES: Final = (
    Architecture(
        "t5-small",
        "T5ForConditionalGeneration",
        "T5Config",
        {"vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_heads": 8},
        {"vocab_size": 101, "d_model": 64, "d_kv": 16, "d_ff": 96, "num_layers": 1, "num_heads": 4},
        "Raffel et al., T5 (arXiv 1910.10683)",
        ("relative-positions", "root-mean-square-norm"),
        {"decoder_start_token_id": 0},
    ),
    Architecture(
        "bart-base",
        "BartForConditionalGeneration",
        "BartConfig",
        _bart(50265, 768, 3072, 12, 6, 1024),
        _SMALL,
        "Lewis et al., BART (arXiv 1910.13461)",
        ("learned-positions", "post-norm"),
    ),
    Architecture(
        "marian-base",
        "MarianMTModel",
        "MarianConfig",
        _bart(58101, 512, 2048, 8, 6, 512),
        _SMALL,
        "Junczys-Dowmunt et al., Marian (arXiv 1804.00344)",
        ("sinusoidal-positions", "post-norm"),
        {"pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 0, "forced_eos_token_id": None},
    ),
)


def _clip(sizes: Sizes) -> torch.nn.Module:
    from .clip import build_clip

    return build_clip(sizes)


_CLIP_SIZES: Final[Sizes] = {
    "batch": 1,
    "tokens": 77,
    "vocab_size": 49408,
    "text_width": 512,
    "text_layers": 12,
    "text_heads": 8,
    "width": 768,
    "layers": 12,
    "heads": 12,
    "image_size": 224,
    "patch": 32,
    "projection": 512,
}
_CLIP_SMALL: Final[Sizes] = {
    "batch": 2,
    "tokens": 8,
    "vocab_size": 101,
    "text_width": 64,
    "text_layers": 1,
    "text_heads": 4,
    "width": 64,
    "layers": 1,
    "heads": 4,
    "image_size": 32,
    "patch": 8,
    "projection": 32,
}


def _texts(sizes: Sizes) -> torch.Tensor:
    """Return ids whose last token is the end of the text, the greatest id, as CLIP's tokenizer makes them."""
    ids = token_ids(sizes).clamp(max=number(sizes, "vocab_size") - 2)
    ids[:, -1] = number(sizes, "vocab_size") - 1
    return ids


PAIRS: tuple[Graph, ...] = (
    *(
        _TRANSLATE.graph("encoder-decoder", model, "64 tokens and 32 of the answer to the logits of each")
        for model in _ARCHITECTURES
    ),
    own(
        "clip-vit-base-patch32",
        "text-and-image",
        "texts of 77 tokens and images of 224 x 224 to how well they fit",
        _clip,
        lambda sizes: (_texts(sizes), images(sizes)),
        _CLIP_SIZES,
        _CLIP_SMALL,
        "Radford et al., CLIP (arXiv 2103.00020)",
        "contrastive",
    ),
)
