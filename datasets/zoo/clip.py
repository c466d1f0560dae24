"""CLIP: a text encoder and an image encoder that meet in one space."""

from __future__ import annotations

import torch
import transformers
from torch import Tensor, nn

from ..graph import Sizes, number


class Clip(nn.Module):
    """How well texts fit images: ids int64 [batch, tokens], images f32 [batch, 3, h, w] -> [images, texts]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, pixel_values: Tensor) -> Tensor:
        """Return the scaled cosines."""
        found: Tensor = self.model(input_ids=input_ids, pixel_values=pixel_values).logits_per_image
        return found


def build_clip(sizes: Sizes) -> nn.Module:
    """Return the model of transformers in these sizes, with random weights."""
    vocabulary = number(sizes, "vocab_size")
    text = {
        "vocab_size": vocabulary,
        "hidden_size": sizes["text_width"],
        "intermediate_size": 4 * number(sizes, "text_width"),
        "num_hidden_layers": sizes["text_layers"],
        "num_attention_heads": sizes["text_heads"],
        "max_position_embeddings": sizes["tokens"],
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }
    vision = {
        "hidden_size": sizes["width"],
        "intermediate_size": 4 * number(sizes, "width"),
        "num_hidden_layers": sizes["layers"],
        "num_attention_heads": sizes["heads"],
        "image_size": sizes["image_size"],
        "patch_size": sizes["patch"],
    }
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=sizes["projection"])
    torch.manual_seed(0)
    return Clip(transformers.CLIPModel(config))
