"""The row-wise and element-wise parts of a transformer, each alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .graph import Graph

if TYPE_CHECKING:
    import torch

    from .graph import Built


def _alone(name: str, what: str, make: Callable[[], torch.nn.Module], shape: tuple[int, ...], weights: int) -> Graph:
    """Return a graph of one f32 input of `shape` and a result of the same shape; `weights` is in elements."""
    elements = 1
    for size in shape:
        elements *= size

    def build() -> Built:
        import torch

        torch.manual_seed(0)
        module = make().eval()
        # Not the ones and zeros that norms begin with.
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter)
        return module, (torch.randn(shape),)

    sizes = "x".join(map(str, shape))
    return Graph(
        name=f"{name}-{sizes}",
        family="elementwise",
        what=f"{what} [{', '.join(map(str, shape))}]",
        build=build,
        flops=None,
        bytes=4 * (2 * elements + weights),
        tolerance=1e-5,
    )


def _softmax() -> torch.nn.Module:
    from torch.nn import Softmax

    return Softmax(dim=-1)


def _layer_norm() -> torch.nn.Module:
    from torch.nn import LayerNorm

    return LayerNorm(768)


def _gelu() -> torch.nn.Module:
    from torch.nn import GELU

    return GELU()


ELEMENTWISE: tuple[Graph, ...] = (
    _alone("softmax", "softmax over the last dimension of", _softmax, (12, 128, 128), 0),
    _alone("layernorm", "LayerNorm over the last dimension of", _layer_norm, (128, 768), 2 * 768),
    _alone("gelu", "GELU, by the error function, of", _gelu, (128, 3072), 0),
)
