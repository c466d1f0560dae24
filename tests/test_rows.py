"""Softmax, LayerNorm, RMSNorm and the chains around them, fused by rows, agree with torch in f64.

Bounds are relative to the largest magnitude in a row of the result: f32 has 24 bits, a sum costs a few of them.
"""

from __future__ import annotations

import pytest
import slipstick
import torch
from torch import nn
from torch.nn import functional

TOLERANCE = 1e-6


class Softmax(nn.Module):
    def forward(self, x):
        return torch.softmax(x, -1)


class LogSoftmax(nn.Module):
    def forward(self, x):
        return torch.log_softmax(x, -1)


class MaskedSoftmax(nn.Module):
    """Softmax of scores with a mask that all heads share: a row of it is that of several rows of scores."""

    def forward(self, x):
        rows = x.shape[-2] * x.shape[-1]
        mask = (torch.arange(rows).reshape(1, 1, x.shape[-2], x.shape[-1]) % 3).to(x.dtype)
        return torch.softmax(x - mask, -1)


class Norm(nn.Module):
    """Bias, residual and LayerNorm, the sum read again behind it."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.linspace(-1, 1, width))
        nn.init.uniform_(self.norm.weight, 0.5, 2.0)
        nn.init.uniform_(self.norm.bias)

    def forward(self, x):
        total = x + self.bias + torch.flip(x, (0,))
        return self.norm(total), total * 2.0


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(0.5, 2, width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Gelu(nn.Module):
    """Both forms of GELU and SiLU, gated."""

    def forward(self, x):
        return functional.gelu(x) * functional.silu(x), functional.gelu(x, approximate="tanh")


def rows(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 3


def check(module, x, tmp_path, **options):
    module = module.eval()
    compiled = slipstick.compile(module, (x,), cache_dir=tmp_path, **options)
    found = compiled(x)
    with torch.inference_mode():
        wanted = module.double()(x.double())
    for ours, exact in zip(*([r] if torch.is_tensor(r) else r for r in (found, wanted)), strict=True):
        assert ours.shape == exact.shape and ours.dtype == torch.float32
        scale = exact.abs().amax(-1, keepdim=True).clamp_min(1e-30)
        assert float(((ours.double() - exact).abs() / scale).max()) < TOLERANCE
    return compiled


@pytest.mark.parametrize("shape", [(2, 3, 5, 37), (1, 128), (5, 1), (3, 1, 16), (1, 1, 1, 7)])
@pytest.mark.parametrize("module", [Softmax, LogSoftmax])
def test_softmax(module, shape, tmp_path):
    check(module(), rows(*shape), tmp_path)


def test_softmax_with_a_shared_mask(tmp_path):
    compiled = check(MaskedSoftmax(), rows(2, 3, 5, 16), tmp_path)
    assert "scf.forall (%" in compiled.stage("scheduled")


@pytest.mark.parametrize("shape", [(4, 3, 64), (6, 37), (1, 768), (2, 1, 16), (3, 1025)])
@pytest.mark.parametrize("module", [Norm, RMSNorm])
def test_norms(module, shape, tmp_path):
    torch.manual_seed(0)
    check(module(shape[-1]), rows(*shape), tmp_path)


def test_norm_of_one_element_a_row(tmp_path):
    check(Norm(1), rows(4, 1), tmp_path)


def test_norm_far_from_zero(tmp_path):
    """The variance of a row is taken around its mean: no digits are lost to a mean a thousand times as large."""
    x = rows(4, 256) + 3000.0
    module = nn.LayerNorm(256).eval()
    found = slipstick.compile(module, (x,), cache_dir=tmp_path)(x)
    with torch.inference_mode():
        deviation = (found.double() - module.double()(x.double())).abs().max()
    # Its own rounding moves each element by 2^-24 of 3000, which is 6e-5 of a deviation of 3.
    assert float(deviation) < 2e-4


def test_gelu(tmp_path):
    check(Gelu(), rows(3, 1000), tmp_path)


@pytest.mark.parametrize("module", [Softmax(), LogSoftmax(), nn.LayerNorm(24), RMSNorm(24)])
def test_special_rows_are_torch_s(module, tmp_path):
    x = rows(8, 24)
    x[0, 3] = torch.nan
    x[1, 0] = torch.inf
    x[2, 23] = -torch.inf
    x[3] = -torch.inf
    x[4, :12] = torch.inf
    x[5] = 0.0
    x[6] = 1e15
    module = module.eval()
    found = slipstick.compile(module, (x,), cache_dir=tmp_path)(x)
    with torch.inference_mode():
        torch.testing.assert_close(found, module(x), rtol=2e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("module", [Softmax(), Norm(768)])
def test_two_threads_give_the_same_bits(module, tmp_path):
    x = rows(64, 768)
    one = slipstick.compile(module.eval(), (x,), cache_dir=tmp_path, threads=1)(x)
    two = slipstick.compile(module.eval(), (x,), cache_dir=tmp_path, threads=2)
    assert "scf.parallel" in two.stage("loops")
    for a, b in zip(*([r] if torch.is_tensor(r) else r for r in (one, two(x))), strict=True):
        assert torch.equal(a, b)


def test_a_norm_is_one_kernel_without_doubles(tmp_path):
    x = rows(4, 64)
    compiled = slipstick.compile(Norm(64).eval(), (x,), cache_dir=tmp_path)
    loops = compiled.stage("loops")
    assert "sqrt" in loops and "xf64>" not in loops and "memref<f64>" not in loops
    assert compiled.stage("scheduled").count("scf.forall (") == 1


def test_equal_layers_share_a_kernel(tmp_path):
    module = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.LayerNorm(16)) for _ in range(3))).eval()
    compiled = slipstick.compile(module, (rows(4, 16),), cache_dir=tmp_path)
    # They are one function, called three times.
    scheduled = compiled.stage("scheduled")
    assert scheduled.count("scf.forall (") == 1 and scheduled.count("call @slipstick_layer_0(") == 3
    loops = compiled.stage("loops")
    assert sum("sqrt" in kernel for kernel in loops.split("func.func private")) == 1
