"""The row-wise and element-wise parts of a transformer, each alone."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

from .graph import Graph, numbers

if TYPE_CHECKING:
    import torch

    from .graph import Built


def _alone(
    name: str, what: str, make: Callable[[int], torch.nn.Module], shape: tuple[int, ...], source: str, weights: int = 0
) -> Graph:
    """Return a graph of one f32 input of `shape` and a result of the same shape.

    `make` gets the last size, that of a row; `weights` says how many rows of weights the module has.
    """
    elements = prod(shape)

    def build() -> Built:
        import torch

        torch.manual_seed(0)
        module = make(shape[-1]).eval()
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
        bytes=4 * (2 * elements + weights * shape[-1]),
        tolerance=1e-5,
        workload=name,
        sizes={"shape": shape},
        small_sizes={"shape": (*(min(size, 3) for size in shape[:-1]), 37)},
        make=lambda sizes: _alone(name, what, make, numbers(sizes, "shape"), source, weights),
        source=source,
    )


def _softmax(width: int) -> torch.nn.Module:
    from torch.nn import Softmax

    return Softmax(dim=-1)


def _layer_norm(width: int) -> torch.nn.Module:
    from torch.nn import LayerNorm

    return LayerNorm(width)


def _gelu(width: int) -> torch.nn.Module:
    from torch.nn import GELU

    return GELU()


ELEMENTWISE: tuple[Graph, ...] = (
    _alone("softmax", "softmax over the last dimension of", _softmax, (12, 128, 128), "exp(x - max) / sum"),
    _alone("layernorm", "LayerNorm over the last dimension of", _layer_norm, (128, 768), "arXiv 1607.06450", 2),
    _alone("gelu", "GELU, by the error function, of", _gelu, (128, 3072), "arXiv 1606.08415"),
)
