"""Convolutions and poolings, compiled, against torch; under L-Mul, against its product of windows and kernel."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick import LMul
from torch import nn

LAYERS = {
    "plain": (nn.Conv2d(3, 5, 3, padding=1), (1, 3, 9, 7)),
    "batch": (nn.Conv2d(4, 20, 3, stride=2, padding=1, bias=False), (3, 4, 8, 8)),
    "pixels": (nn.Conv2d(6, 4, 1), (2, 6, 5, 5)),
    "pixels-skipped": (nn.Conv2d(6, 4, 1, stride=2), (1, 6, 5, 6)),
    "dilated": (nn.Conv2d(3, 4, (3, 2), dilation=(2, 3), stride=(1, 2)), (2, 3, 11, 12)),
    "groups": (nn.Conv2d(8, 12, 3, groups=4, padding=1), (2, 8, 6, 6)),
    "depthwise": (nn.Conv2d(5, 5, 3, groups=5, stride=2), (2, 5, 9, 11)),
    "depthwise-twice": (nn.Conv2d(4, 8, 3, groups=4), (1, 4, 6, 6)),
    "transposed": (nn.ConvTranspose2d(4, 3, 3, stride=2, padding=1, output_padding=1), (2, 4, 5, 5)),
    "row": (nn.Conv1d(3, 7, 5, stride=3), (2, 3, 23)),
    "space": (nn.Conv3d(2, 3, 2, stride=2), (1, 2, 6, 5, 4)),
    "maximum": (nn.MaxPool2d(3, stride=2, padding=1), (2, 3, 9, 9)),
    "mean": (nn.AvgPool2d(2), (2, 3, 8, 6)),
    "of-all": (nn.AdaptiveAvgPool2d(1), (2, 3, 5, 5)),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("name", LAYERS)
def test_equals_torch(name, cache):
    layer, shape = LAYERS[name]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(slipstick.compile(layer, (x,), cache_dir=cache)(x), layer(x), rtol=1e-5, atol=1e-5)


def test_two_threads_compute_the_same(cache):
    layer, x = nn.Conv2d(16, 64, 3, padding=1), torch.randn(2, 16, 40, 40)
    compiled = slipstick.compile(layer, (x,), threads=2, cache_dir=cache)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), layer(x), rtol=1e-5, atol=1e-5)


def test_sizes_known_when_called(cache):
    layer, x = nn.Conv2d(3, 4, 3), torch.randn(2, 3, 6, 6)
    shapes = {"input": {0: torch.export.Dim("batch", min=1, max=8)}}
    compiled = slipstick.compile(layer, (x,), dynamic_shapes=shapes, cache_dir=cache)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x[:1]), layer(x[:1]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_lmul_multiplies_windows_and_kernel(specials, cache):
    lmul = LMul(specials=specials)
    layer, x = nn.Conv2d(3, 5, 3, bias=False), torch.randn(1, 3, 7, 6)
    found = slipstick.compile(layer, (x,), lmul=lmul, cache_dir=cache)(x)
    columns = nn.functional.unfold(x, 3)[0]
    expected = slipstick.lmul_matmul(layer.weight.detach().flatten(1), columns, specials=specials)
    torch.testing.assert_close(found[0].flatten(1), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_lmul_of_a_depthwise_convolution(specials, cache):
    lmul = LMul(specials=specials)
    layer, x = nn.Conv2d(4, 4, 3, groups=4, bias=False), torch.randn(1, 4, 6, 6)
    found = slipstick.compile(layer, (x,), lmul=lmul, cache_dir=cache)(x)
    windows = nn.functional.unfold(x, 3)[0].reshape(4, 9, 16)
    expected = slipstick.lmul(windows, layer.weight.detach().reshape(4, 9, 1).expand(4, 9, 16), specials=specials).sum(
        1
    )
    torch.testing.assert_close(found[0].flatten(1), expected, rtol=1e-5, atol=1e-5)
