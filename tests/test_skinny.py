"""Products of a few rows, whose B is read in place: against torch, and under L-Mul against its torch form."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
from slipstick import LMul
from slipstick.kernels.weight_formats import encode
from torch import nn

SIZES = [(1, 1, 1), (1, 9, 17), (2, 64, 768), (3, 50, 130), (8, 48, 256), (9, 7, 3), (16, 33, 100)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def layer(rows: int, columns: int, depth: int, *, bias: bool = True) -> tuple[nn.Linear, torch.Tensor]:
    torch.manual_seed(rows * columns + depth)
    return nn.Linear(depth, columns, bias=bias), torch.randn(rows, depth)


def assert_close(found: torch.Tensor, expected: torch.Tensor, depth: int) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6 * depth**0.5)


class Scores(nn.Module):
    """Q K' of one token's heads."""

    def forward(self, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return q @ k.transpose(-1, -2)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_exact(size: tuple[int, int, int], cache: Path) -> None:
    linear, x = layer(*size)
    for threads in (1, 2):
        compiled = slipstick.compile(linear, (x,), threads=threads, cache_dir=cache)
        assert 'kind = "skinny"' in compiled.stage("scheduled")
        assert_close(compiled(x), linear(x), size[2])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("specials", ["ieee", "finite"])
def test_lmul(size: tuple[int, int, int], specials: Any, cache: Path) -> None:
    linear, x = layer(*size, bias=False)
    x[0, ::3] = 0
    found = slipstick.compile(linear, (x,), threads=1, lmul=LMul(specials=specials), cache_dir=cache)(x)
    assert_close(found, slipstick.lmul_matmul(x, linear.weight.detach().t(), 4, "truncate", specials), size[2])


@pytest.mark.parametrize("size", SIZES[1:5], ids=str)
@pytest.mark.parametrize("weights", ["lm8", "bf16"])
def test_narrow_weights(size: tuple[int, int, int], weights: str, cache: Path) -> None:
    linear, x = layer(*size)
    compiled = slipstick.compile(linear, (x,), threads=1, weights=weights, cache_dir=cache)
    assert compiled.statistics["lower-contractions: matrices decoded while packed"] == 1
    decoded = nn.functional.linear(x, encode(linear.weight.detach(), weights).decode(), linear.bias)
    assert_close(compiled(x), decoded, size[2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_batches_in_every_layout(dtype: torch.dtype, cache: Path) -> None:
    q, k = torch.randn(5, 2, 70, dtype=dtype), torch.randn(5, 33, 70, dtype=dtype)
    compiled = slipstick.compile(Scores(), (q, k), threads=1, cache_dir=cache)
    assert 'kind = "skinny"' in compiled.stage("scheduled")
    strided = torch.randn(5, 33, 140, dtype=dtype)[:, :, ::2]
    for one, other in itertools.product((q, q.flip(0)), (k, strided)):
        assert_close(compiled(one, other), one @ other.transpose(1, 2), 70)


def test_rows_that_are_not_known_or_many_are_packed(cache: Path) -> None:
    linear, x = layer(17, 8, 8)
    assert 'kind = "packed"' in slipstick.compile(linear, (x,), cache_dir=cache).stage("scheduled")
    rows = torch.export.Dim("rows", min=1, max=64)
    compiled = slipstick.compile(linear, (x,), dynamic_shapes=({0: rows},), cache_dir=cache)
    assert 'kind = "packed"' in compiled.stage("scheduled")


@pytest.mark.parametrize("cpu", ["haswell", "skylake-avx512", "neoverse-v2"])
def test_the_loop_holds_its_sums_in_registers(cpu: str, cache: Path) -> None:
    linear, x = layer(1, 256, 256, bias=False)
    text = slipstick.compile(linear, (x,), threads=1, target=cpu, cache_dir=cache).assembly()
    fused = "fmla" if cpu.startswith("neoverse") else "vfmadd"
    loops = [block for block in text.split("\n.LBB") if "Inner Loop" in block and block.count(fused) >= 4]
    assert loops
    assert all("Spill" not in block and "Reload" not in block for block in loops)
