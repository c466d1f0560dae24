"""One graph for each family of kernels, with ragged sizes: what the guarded runs and valgrind go through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from slipstick import LMul
from torch import nn
from torch.nn import functional as F

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Kernel:
    """A function of random tensors of given shapes, with weights of given shapes before them."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[Shape, ...]
    weights: tuple[Shape, ...] = ()
    dtype: torch.dtype = torch.float32
    multiplies: bool = True
    """Whether L-Mul changes anything."""

    def module(self) -> nn.Module:
        """Return the module, with weights from a seed."""
        return _Module(self).eval()

    def arguments(self) -> tuple[torch.Tensor, ...]:
        """Return inputs from a seed."""
        g = torch.Generator().manual_seed(1)
        return tuple(torch.randn(shape, generator=g).to(self.dtype) for shape in self.inputs)


class _Module(nn.Module):
    def __init__(self, kernel: Kernel):
        super().__init__()
        g = torch.Generator().manual_seed(2)
        self.function = kernel.function
        self.names = [f"w{number}" for number in range(len(kernel.weights))]
        for name, shape in zip(self.names, kernel.weights, strict=True):
            values = torch.randn(shape, generator=g).to(kernel.dtype)
            setattr(self, name, nn.Parameter(values, requires_grad=False))

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*(getattr(self, name) for name in self.names), *inputs)


def _linear(w: torch.Tensor, b: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return F.gelu(F.linear(x, w, b))


def _added(w: torch.Tensor, b: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.linear(x, w, b) + y


def _causal(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def _masked(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) * 0.3 + mask, -1) @ v


def _cache(cache: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return torch.index_copy(cache, 1, torch.tensor([3]), x)


def kernels() -> Iterator[Kernel]:
    """Yield all families; sizes are around vectors of 8 and 16, tiles of 48 columns and blocks of 256."""
    for m, n, k in ((1, 50, 33), (3, 1, 17), (5, 97, 257), (8, 48, 16), (17, 49, 5), (40, 65, 31), (2, 7, 1)):
        yield Kernel(f"linear {m}x{n}x{k}", _linear, ((m, k),), ((n, k), (n,)))
        yield Kernel(f"matmul {m}x{n}x{k}", torch.matmul, ((m, k), (k, n)))
    yield Kernel("linear + y", _added, ((13, 33), (13, 51)), ((51, 33), (51,)))
    yield Kernel("linear f64", _linear, ((5, 33),), ((51, 33), (51,)), torch.float64)
    yield Kernel("linear bf16", _linear, ((5, 33),), ((51, 33), (51,)), torch.bfloat16)
    yield Kernel("linear f16", _linear, ((5, 33),), ((51, 33), (51,)), torch.float16)
    yield Kernel("transposed", lambda a, b: a @ b.transpose(-1, -2), ((7, 19), (33, 19)))
    yield Kernel("bmm", torch.bmm, ((3, 5, 17), (3, 17, 19)))
    yield Kernel("vector", torch.matmul, ((7, 33), (33,)))
    for length, width in ((7, 5), (33, 16), (1, 64)):
        shape = (2, 3, length, width)
        yield Kernel(f"attention {length}x{width}", F.scaled_dot_product_attention, (shape,) * 3)
        yield Kernel(f"causal {length}x{width}", _causal, (shape,) * 3)
        yield Kernel(f"masked {length}x{width}", _masked, ((*shape,) * 1, shape, shape, (length, length)))
    yield Kernel("decode", F.scaled_dot_product_attention, ((1, 2, 1, 20), (1, 2, 37, 20), (1, 2, 37, 20)))
    for rows, columns in ((1, 1), (3, 7), (5, 17), (2, 33), (4, 130)):
        one = ((rows, columns),)
        yield Kernel(f"softmax {rows}x{columns}", lambda x: torch.softmax(x, -1), one)
        yield Kernel(
            f"layer norm {rows}x{columns}", lambda g, b, x: F.layer_norm(x, g.shape, g, b), one, ((columns,),) * 2
        )
        yield Kernel(
            f"rms norm {rows}x{columns}", lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1), one
        )
        yield Kernel(f"columns {rows}x{columns}", lambda x: (x.sum(0), x.amax(0), torch.softmax(x, 0)), one)
        yield Kernel(f"elementwise {rows}x{columns}", lambda x: torch.tanh(x) * torch.sigmoid(x) + F.gelu(x), one)
        yield Kernel(f"functions {rows}x{columns}", lambda x: (torch.sin(x), torch.log1p(x.abs()), torch.erf(x)), one)
    yield Kernel("moved", lambda x: (x.transpose(0, 1), x.flip(1), torch.cat([x, x[:, :3]], 1), x[:, ::2]), ((5, 19),))
    yield Kernel("broadcast", lambda x, y: x * y + y, ((5, 1, 19), (7, 1)))
    yield Kernel("integers", lambda x: (x > 0).sum(1) * 3 + x.argmax(1), ((5, 19),), multiplies=False)
    yield Kernel("scan", lambda x: torch.cumsum(x, 1), ((5, 19),), multiplies=False)
    yield Kernel("embedding", lambda w, x: F.embedding((x.abs() * 3).long().clamp(max=6), w), ((5, 3),), ((7, 19),))
    yield Kernel("cache", _cache, ((2, 9, 5), (2, 1, 5)), multiplies=False)
    yield Kernel("conv2d", lambda w, b, x: F.conv2d(x, w, b, padding=1), ((2, 3, 7, 9),), ((5, 3, 3, 3), (5,)))
    yield Kernel("conv2d, strided", lambda w, x: F.conv2d(x, w, stride=2), ((1, 3, 9, 11),), ((5, 3, 3, 3),))
    yield Kernel("depthwise", lambda w, x: F.conv2d(x, w, groups=3, padding=1), ((1, 3, 7, 9),), ((3, 1, 3, 3),))
    yield Kernel("conv1d", lambda w, x: F.conv1d(x, w, padding=2), ((2, 3, 19),), ((5, 3, 5),))
    yield Kernel("pools", lambda x: (F.max_pool2d(x, 2), F.avg_pool2d(x, 3, 1)), ((1, 2, 7, 9),))


@dataclass(frozen=True)
class Form:
    """How kernels are compiled; options of `slipstick.compile`."""

    name: str
    lmul: LMul | None = None
    weights: str = "f32"
    pack_weights: bool = True


FORMS = (
    Form("exact"),
    Form("exact, not packed", pack_weights=False),
    Form("bf16", weights="bf16"),
    Form("lm8", weights="lm8"),
    Form("L-Mul", LMul(4)),
    Form("L-Mul, finite", LMul(4, specials="finite")),
    Form("L-Mul, lm8", LMul(4, specials="finite"), "lm8"),
)


def forms(kernel: Kernel) -> Iterator[Form]:
    """Yield the forms that differ for a kernel."""
    has_matrix = any(len(shape) == 2 for shape in kernel.weights) and kernel.dtype == torch.float32
    for form in FORMS:
        plain = form.weights == "f32" and form.pack_weights
        if (plain or (has_matrix and kernel.name.startswith("linear"))) and (form.lmul is None or kernel.multiplies):
            yield form
