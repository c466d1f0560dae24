"""Images to labels or to images: vision transformers, convolutional networks, a mixer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..graph import Family, Graph, Sizes, number
from .architecture import Architecture, Use
from .inputs import images
from .own import own

if TYPE_CHECKING:
    import torch

_CLASSES: Final[Sizes] = {"num_labels": 1000}
_SMALL_VIT: Final[Sizes] = {
    "hidden_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "image_size": 32,
    "patch_size": 8,
}


def _vit(width: int, layers: int, heads: int, patch: int = 16, **more: int) -> Sizes:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "image_size": 224,
        "patch_size": patch,
        **more,
    }


def _labels(family: Family, model: Architecture, side: int = 224, small: int = 32, result: str = "logits") -> Graph:
    """Return a model on an image of `side` x `side` pixels; where the model has that size, it is the model's."""
    sized = "image_size" in model.sizes
    own_size = {} if sized else {"side": side}
    use = Use(
        ("pixel_values",),
        result,
        {"batch": 1, **own_size},
        {} if sized else {"side": small},
        lambda sizes: (images(sizes, "image_size" if sized else "side"),),
    )
    what = "labels" if result == "logits" else "hidden states"
    return use.graph(family, model, f"images of {side} x {side} to {what}")


_TRANSFORMERS: Final = (
    Architecture(
        "vit-base-patch16-224",
        "ViTForImageClassification",
        "ViTConfig",
        {**_vit(768, 12, 12, intermediate_size=3072), **_CLASSES},
        {**_SMALL_VIT, "num_labels": 10},
        "Dosovitskiy et al., ViT (arXiv 2010.11929)",
        ("learned-positions",),
    ),
    Architecture(
        "deit-tiny-patch16-224",
        "DeiTForImageClassification",
        "DeiTConfig",
        {**_vit(192, 12, 3, intermediate_size=768), **_CLASSES},
        {**_SMALL_VIT, "num_labels": 10},
        "Touvron et al., DeiT (arXiv 2012.12877)",
        ("learned-positions",),
    ),
    Architecture(
        "swin-tiny-patch4-224",
        "SwinForImageClassification",
        "SwinConfig",
        {
            "image_size": 224,
            "patch_size": 4,
            "embed_dim": 96,
            "depths": (2, 2, 6, 2),
            "num_heads": (3, 6, 12, 24),
            "window_size": 7,
            **_CLASSES,
        },
        {
            "image_size": 16,
            "patch_size": 2,
            "embed_dim": 16,
            "depths": (2,),
            "num_heads": (2,),
            "window_size": 4,
            "num_labels": 10,
        },
        "Liu et al., Swin (arXiv 2103.14030)",
        ("windows",),
    ),
)
_STATES: Final = (
    Architecture(
        "dinov2-small-patch14",
        "Dinov2Model",
        "Dinov2Config",
        _vit(384, 12, 6, 14),
        {name: size for name, size in _SMALL_VIT.items() if name != "intermediate_size"},
        "Oquab et al., DINOv2 (arXiv 2304.07193)",
        ("layer-scale",),
    ),
    Architecture(
        "siglip-base-patch16-224",
        "SiglipVisionModel",
        "SiglipVisionConfig",
        _vit(768, 12, 12, intermediate_size=3072),
        _SMALL_VIT,
        "Zhai et al., SigLIP (arXiv 2303.15343)",
        ("attention-pooling",),
    ),
)
_RESNET: Final = "He et al., ResNet (arXiv 1512.03385)"
_CONVOLUTIONS: Final = (
    Architecture(
        "resnet-18",
        "ResNetForImageClassification",
        "ResNetConfig",
        {"embedding_size": 64, "hidden_sizes": (64, 128, 256, 512), "depths": (2, 2, 2, 2), **_CLASSES},
        {"embedding_size": 8, "hidden_sizes": (8, 16), "depths": (1, 1), "num_labels": 10},
        _RESNET,
        ("batch-norm",),
        {"layer_type": "basic"},
    ),
    Architecture(
        "resnet-50",
        "ResNetForImageClassification",
        "ResNetConfig",
        {"embedding_size": 64, "hidden_sizes": (256, 512, 1024, 2048), "depths": (3, 4, 6, 3), **_CLASSES},
        {"embedding_size": 8, "hidden_sizes": (16, 32), "depths": (1, 1), "num_labels": 10},
        _RESNET,
        ("batch-norm", "bottlenecks"),
    ),
    Architecture(
        "convnext-tiny",
        "ConvNextForImageClassification",
        "ConvNextConfig",
        {"hidden_sizes": (96, 192, 384, 768), "depths": (3, 3, 9, 3), "num_stages": 4, **_CLASSES},
        {"hidden_sizes": (8, 16), "depths": (1, 1), "num_stages": 2, "num_labels": 10},
        "Liu et al., ConvNeXt (arXiv 2201.03545)",
        ("depthwise", "layer-scale"),
    ),
)
_MOBILE: Final = Architecture(
    "mobilenet-v2",
    "MobileNetV2ForImageClassification",
    "MobileNetV2Config",
    {"image_size": 224, **_CLASSES},
    {"image_size": 32, "num_labels": 10},
    "Sandler et al., MobileNetV2 (arXiv 1801.04381)",
    ("depthwise", "batch-norm"),
)
_SEGFORMER: Final = Architecture(
    "segformer-b0",
    "SegformerForSemanticSegmentation",
    "SegformerConfig",
    {
        "num_encoder_blocks": 4,
        "depths": (2, 2, 2, 2),
        "sr_ratios": (8, 4, 2, 1),
        "hidden_sizes": (32, 64, 160, 256),
        "patch_sizes": (7, 3, 3, 3),
        "strides": (4, 2, 2, 2),
        "num_attention_heads": (1, 2, 5, 8),
        "mlp_ratios": (4, 4, 4, 4),
        "decoder_hidden_size": 256,
        "num_labels": 150,
    },
    {
        "num_encoder_blocks": 1,
        "depths": (1,),
        "sr_ratios": (2,),
        "hidden_sizes": (8,),
        "patch_sizes": (7,),
        "strides": (4,),
        "num_attention_heads": (2,),
        "mlp_ratios": (2,),
        "decoder_hidden_size": 16,
        "num_labels": 5,
    },
    "Xie et al., SegFormer (arXiv 2105.15203)",
    ("depthwise", "segmentation"),
)


def _unet(sizes: Sizes) -> torch.nn.Module:
    from .modules import UNet

    return UNet(number(sizes, "channels"), number(sizes, "groups"))


def _mixer(sizes: Sizes) -> torch.nn.Module:
    from .modules import Mixer

    names = ("side", "patch", "width", "across", "inner", "layers", "classes")
    return Mixer(*(number(sizes, name) for name in names))


IMAGES: tuple[Graph, ...] = (
    *(_labels("vision-transformer", model) for model in _TRANSFORMERS),
    *(_labels("vision-transformer", model, result="last_hidden_state") for model in _STATES),
    _labels("vision-transformer", _SEGFORMER, 512),
    *(_labels("convolution", model) for model in _CONVOLUTIONS),
    _labels("convolution", _MOBILE),
    own(
        "unet",
        "convolution",
        "images of 64 x 64 to the same",
        _unet,
        lambda sizes: (images(sizes, "side"),),
        {"batch": 1, "side": 64, "channels": 64, "groups": 32},
        {"side": 16, "channels": 8, "groups": 4},
        "Ronneberger et al., U-Net (arXiv 1505.04597); Ho et al. (arXiv 2006.11239)",
        "group-norm",
        "transposed-convolution",
    ),
    own(
        "mlp-mixer-base-patch16-224",
        "mixer",
        "images of 224 x 224 to labels",
        _mixer,
        lambda sizes: (images(sizes, "side"),),
        {
            "batch": 1,
            "side": 224,
            "patch": 16,
            "width": 768,
            "across": 384,
            "inner": 3072,
            "layers": 12,
            "classes": 1000,
        },
        {"side": 32, "patch": 8, "width": 32, "across": 24, "inner": 64, "layers": 1, "classes": 10},
        "Tolstikhin et al., MLP-Mixer (arXiv 2105.01601)",
    ),
)
