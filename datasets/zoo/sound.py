"""Speech and sound: spectrograms and waveforms to states, text or labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Graph, Sizes, number
from .architecture import Architecture, Use
from .inputs import token_ids

if TYPE_CHECKING:
    import torch


def _mel(sizes: Sizes) -> torch.Tensor:
    """Return spectrograms f32 [batch, bins, twice the positions]: the first convolutions halve them."""
    import torch

    shape = (number(sizes, "batch"), number(sizes, "num_mel_bins"), 2 * number(sizes, "max_source_positions"))
    return torch.randn(shape)


def _spectrogram(sizes: Sizes) -> torch.Tensor:
    import torch

    return torch.randn(*(number(sizes, name) for name in ("batch", "max_length", "num_mel_bins")))


def _waveform(sizes: Sizes) -> torch.Tensor:
    import torch

    return torch.randn(number(sizes, "batch"), number(sizes, "samples"))


_WHISPER_SIZES: Final[Sizes] = {
    "vocab_size": 51865,
    "d_model": 384,
    "encoder_layers": 4,
    "decoder_layers": 4,
    "encoder_attention_heads": 6,
    "decoder_attention_heads": 6,
    "encoder_ffn_dim": 1536,
    "decoder_ffn_dim": 1536,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
    "max_target_positions": 448,
}
_WHISPER_SMALL: Final[Sizes] = {
    "vocab_size": 101,
    "d_model": 64,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "num_mel_bins": 16,
    "max_source_positions": 16,
    "max_target_positions": 32,
}
_WHISPER_SETTINGS: Final = {
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "decoder_start_token_id": 0,
}
_WHISPER: Final = "Radford et al., Whisper (arXiv 2212.04356)"


def _whisper(name: str, model: str, part: str = "") -> Architecture:
    return Architecture(
        name, model, "WhisperConfig", _WHISPER_SIZES, _WHISPER_SMALL, _WHISPER, ("audio",), _WHISPER_SETTINGS, part
    )


_WAV2VEC2: Final = Architecture(
    "wav2vec2-base",
    "Wav2Vec2ForCTC",
    "Wav2Vec2Config",
    {
        "vocab_size": 32,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "conv_dim": (512, 512, 512, 512, 512, 512, 512),
        "conv_stride": (5, 2, 2, 2, 2, 2, 2),
        "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
        "num_conv_pos_embeddings": 128,
        "num_conv_pos_embedding_groups": 16,
    },
    {
        "hidden_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "conv_dim": (16, 16),
        "conv_stride": (5, 2),
        "conv_kernel": (10, 3),
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    },
    "Baevski et al., wav2vec 2.0 (arXiv 2006.11477)",
    ("audio", "convolutions"),
)
_AST: Final = Architecture(
    "ast-base",
    "ASTForAudioClassification",
    "ASTConfig",
    {
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "max_length": 1024,
        "num_mel_bins": 128,
        "num_labels": 527,
    },
    {
        "hidden_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "max_length": 64,
        "num_mel_bins": 32,
        "num_labels": 10,
    },
    "Gong et al., AST (arXiv 2104.01778)",
    ("audio",),
)

SOUND: tuple[Graph, ...] = (
    Use(("input_features",), "last_hidden_state", {"batch": 1}, {}, lambda sizes: (_mel(sizes),)).graph(
        "speech", _whisper("whisper-tiny-encoder", "WhisperModel", "encoder"), "half a minute to hidden states"
    ),
    Use(
        ("input_features", "decoder_input_ids"),
        "logits",
        {"batch": 1, "tokens": 32},
        {"tokens": 8},
        lambda sizes: (_mel(sizes), token_ids(sizes)),
        {"use_cache": False},
    ).graph(
        "speech",
        _whisper("whisper-tiny", "WhisperForConditionalGeneration"),
        "half a minute and 32 tokens to the logits of each",
    ),
    Use(
        ("input_values",), "logits", {"batch": 1, "samples": 16000}, {"samples": 800}, lambda sizes: (_waveform(sizes),)
    ).graph("speech", _WAV2VEC2, "a second of sound to the logits of letters"),
    Use(("input_values",), "logits", {"batch": 1}, {}, lambda sizes: (_spectrogram(sizes),)).graph(
        "speech", _AST, "ten seconds of sound to labels"
    ),
)
