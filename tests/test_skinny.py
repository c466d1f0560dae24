"""Products of a few rows, whose B is read in place or in panels: against torch, under L-Mul against its torch form.

Narrow weights are compared with what their codes stand for.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import slipstick
import torch
from slipstick import LMul
from slipstick.kernels.weight_formats import encode
from slipstick.passes import schedule_contractions
from torch import nn

SIZES = [(1, 1, 1), (1, 9, 17), (2, 64, 768), (3, 50, 130), (8, 48, 256), (9, 7, 3), (16, 33, 100)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def layer(rows: int, columns: int, depth: int, *, bias: bool = True) -> tuple[nn.Linear, torch.Tensor]:
    torch.manual_seed(rows * columns + depth)
    return nn.Linear(depth, columns, bias=bias), torch.randn(rows, depth)


@pytest.fixture(autouse=True)
def reads_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes whose B is otherwise packed show what kernels do that read it in place, too."""
    monkeypatch.setattr(schedule_contractions, "wants_packing", lambda *_: False)


def assert_close(found: torch.Tensor, expected: torch.Tensor, depth: int) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6 * depth**0.5)


class Product(nn.Module):
    """A linear layer whose weight is an input: there is nothing to pack ahead of a call."""

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis
        """Which dimension of the weight counts outputs."""

    def forward(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x @ (weight if self.axis else weight.t())


class Scores(nn.Module):
    """Q K' of one token's heads."""

    def forward(self, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return q @ k.transpose(-1, -2)


def turns(*axes: Iterable[Any]) -> list[Any]:
    """Return all combinations as parameters of a test; every other one runs with the exhaustive tests only."""
    found = []
    for one in itertools.product(*(enumerate(axis) for axis in axes)):
        marks = [pytest.mark.exhaustive] if sum(number for number, _ in one) % 2 else []
        found.append(pytest.param(*(value for _, value in one), marks=marks))
    return found


@pytest.mark.parametrize(("size", "threads"), turns(SIZES, (1, 2)), ids=str)
def test_exact(size: tuple[int, int, int], threads: int, cache: Path) -> None:
    linear, x = layer(*size)
    weight = linear.weight.detach()
    compiled = slipstick.compile(Product(0), (x, weight), threads=threads, cache_dir=cache)
    assert 'kind = "skinny"' in compiled.stage("scheduled")
    assert_close(compiled(x, weight), x @ weight.t(), size[2])
    compiled = slipstick.compile(linear, (x,), threads=threads, cache_dir=cache)
    assert f'kind = "{"skinny" if size[0] < 4 else "packed"}"' in compiled.stage("scheduled")
    assert_close(compiled(x), linear(x), size[2])


@pytest.mark.parametrize(("size", "specials"), turns(SIZES, ("ieee", "finite")), ids=str)
def test_lmul(size: tuple[int, int, int], specials: Any, cache: Path) -> None:
    linear, x = layer(*size, bias=False)
    x[0, ::3] = 0
    weight = linear.weight.detach()
    expected = slipstick.lmul_matmul(x, weight.t(), 4, "truncate", specials)
    lmul = LMul(specials=specials)
    in_place = slipstick.compile(Product(0), (x, weight), threads=1, lmul=lmul, cache_dir=cache)
    assert 'kind = "skinny"' in in_place.stage("scheduled")
    assert_close(in_place(x, weight), expected, size[2])
    compiled = slipstick.compile(linear, (x,), threads=1, lmul=lmul, cache_dir=cache)
    kind = "packed" if specials == "finite" or size[0] >= 4 else "skinny"
    assert f'kind = "{kind}"' in compiled.stage("scheduled")
    assert_close(compiled(x), expected, size[2])


class Conv1D(nn.Module):
    """A linear layer whose weight is stored [K, N]."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.weight = nn.Parameter(linear.weight.detach().t().contiguous())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


NARROW_SIZES = [(1, 9, 17), (1, 5, 200), (2, 64, 768), (3, 50, 130), (8, 3, 256), (16, 17, 67)]


NARROW_CASES = [
    *itertools.product(NARROW_SIZES, ("lm8", "bf16"), (None,)),
    *turns(NARROW_SIZES, ("lm8", "bf16"), (LMul(), LMul(specials="finite"))),
    # One size shows what more mantissa bits than bf16's change.
    *((NARROW_SIZES[2], weights, LMul(8, specials="finite")) for weights in ("lm8", "bf16")),
]


@pytest.mark.parametrize(("size", "weights", "lmul"), NARROW_CASES, ids=str)
def test_narrow_weights(size: tuple[int, int, int], weights: str, lmul: LMul | None, cache: Path) -> None:
    """Channels of very different magnitudes, zeros among the weights; each output is compared at its own scale."""
    _, columns, depth = size
    linear, x = layer(*size, bias=False)
    scales = torch.exp2(torch.arange(columns).remainder(41) * 2.0 - 40)
    with torch.no_grad():
        linear.weight[torch.rand(columns, depth) < 0.3] = 0
        linear.weight.mul_(scales[:, None])
    decoded = encode(linear.weight.detach(), weights).decode()
    for module, kind in ((linear, "skinny"), (Conv1D(linear), "rows")):
        compiled = slipstick.compile(module, (x,), threads=1, weights=weights, lmul=lmul, cache_dir=cache)
        assert compiled.statistics["lower-contractions: matrices decoded while packed"] == 1
        assert f'kind = "{kind}"' in compiled.stage("scheduled")
        expected = x @ decoded.t()
        if lmul is not None:
            expected = slipstick.lmul_matmul(x, decoded.t(), lmul.mantissa_bits, "truncate", lmul.specials)
        assert_close(compiled(x) / scales, expected / scales, depth)


def test_lm8_scales_at_the_ends_of_its_biases(cache: Path) -> None:
    linear, x = layer(1, 6, 192, bias=False)
    largest = torch.tensor([3e38, 1e38, 1.0, 1e-36, 2e-38, 0.0])
    with torch.no_grad():
        linear.weight.div_(linear.weight.abs().amax(1, keepdim=True)).mul_(largest[:, None])
        x.mul_(1e-3)
    decoded = encode(linear.weight.detach(), "lm8").decode()
    found = slipstick.compile(linear, (x,), threads=1, weights="lm8", cache_dir=cache)(x)
    expected = (x.double() @ decoded.double().t()).float()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-44)


@pytest.mark.parametrize(
    ("size", "lmul", "threads"),
    turns(
        [(1, 1, 1), (1, 200, 33), (2, 768, 64), (7, 70, 9), (16, 31, 5)],
        [None, LMul(), LMul(specials="finite")],
        [1, 2],
    ),
    ids=str,
)
def test_rows_of_b(size: tuple[int, int, int], lmul: LMul | None, threads: int, cache: Path) -> None:
    linear, x = layer(*size, bias=False)
    weight = linear.weight.detach().t().contiguous()
    expected = x @ weight if lmul is None else slipstick.lmul_matmul(x, weight, 4, "truncate", lmul.specials)
    compiled = slipstick.compile(Product(1), (x, weight), threads=threads, lmul=lmul, cache_dir=cache)
    assert 'kind = "rows"' in compiled.stage("scheduled")
    assert_close(compiled(x, weight), expected, size[2])


@pytest.mark.parametrize("prefetch", [0, 1, 65536])
def test_any_distance_of_prefetches(prefetch: int, cache: Path) -> None:
    linear, x = layer(3, 21, 300)
    compiled = slipstick.compile(linear, (x,), threads=1, cache_dir=cache)
    text = re.sub(r"prefetch = \d+", f"prefetch = {prefetch}", compiled.stage("scheduled"))
    assert f"prefetch = {prefetch} " in text
    assert torch.equal(compiled.replace_stage("scheduled", text)(x), compiled(x))


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
    # Of the general registers, which hold a pointer for each column and each prefetch, some may be reloaded.
    moved = [line for block in loops for line in block.splitlines() if "Spill" in line or "Reload" in line]
    assert not [line for line in moved if re.search(r"[xyz]mm\d|\b[qvz]\d+", line)]
