"""Rows computed a vector at a time: lengths with and without a rest, NaN and infinity, divisors of every size."""

from __future__ import annotations

from math import inf, nan

import pytest
import slipstick
import torch
from torch import nn

LENGTHS = (1, 3, 4, 5, 15, 16, 17, 31, 64, 77, 128, 129, 255, 256, 300, 1000)


class Rows(nn.Module):
    """What rows are asked for: softmax, extremes, a norm, sums; a pair of odd and even numbers of rows each."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return [rows, length] and [rows, 1] results of x, [rows, length]."""
        top = x.amax(-1, keepdim=True)
        norm = (x * x).sum(-1, keepdim=True)
        return x.softmax(-1), x - top, x + x.amin(-1, keepdim=True), x / (1 + norm)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_length_of_row(count, tmp_path):
    """One compilation for all lengths."""

    class Many(nn.Module):
        def forward(self, *xs):
            return tuple(y for x in xs for y in Rows()(x))

    generator = torch.Generator().manual_seed(count)
    xs = tuple(torch.randn(count, length, generator=generator) for length in LENGTHS)
    found = slipstick.compile(Many(), xs, cache_dir=tmp_path, threads=1)(*xs)
    for got, expected in zip(found, Many()(*(x.double() for x in xs)), strict=True):
        torch.testing.assert_close(got, expected.float(), rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("length", [16, 77, 300])
def test_nan_and_infinity_anywhere_in_a_row(length, tmp_path):
    x = torch.randn(2 * length, length)
    for row, value in ((0, nan), (length, inf)):
        x[row : row + length].fill_diagonal_(value)
    x[0, :] = -inf
    x[1, :] = nan
    found = slipstick.compile(Rows(), (x,), cache_dir=tmp_path, threads=1)(x)
    for got, expected in zip(found, Rows()(x), strict=True):
        torch.testing.assert_close(got, expected, rtol=3e-6, atol=1e-6, equal_nan=True)


class Divided(nn.Module):
    """x over a number of its row."""

    def forward(self, x: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
        """Return [rows, length] from that and [rows, 1]."""
        return x / divisor


def test_divisors_of_every_size(tmp_path):
    """A multiplication by the inverse is within 1.5 units in the last place, subnormal results and divisors too."""
    generator = torch.Generator().manual_seed(3)
    exponents = torch.arange(-149, 128)
    divisor = torch.ldexp(1 + torch.rand(len(exponents), 1, generator=generator), exponents[:, None])
    divisor = torch.cat([divisor, -divisor, torch.tensor([[0.0], [-0.0], [inf], [-inf], [nan]])])
    x = torch.randn(len(divisor), 100, generator=generator) * torch.ldexp(
        torch.tensor(1.0), torch.arange(100) * 2 - 100
    )
    x[:, :4] = torch.tensor([0.0, -0.0, inf, nan])
    got = slipstick.compile(Divided(), (x, divisor), cache_dir=tmp_path, threads=1)(x, divisor)
    exact = x.double() / divisor.double()
    expected = exact.float()
    special = ~expected.isfinite() | (expected == 0)
    # Where the quotient rounds to the greatest number, or just over it, either of the neighbours is right.
    special &= ~(expected.isinf() & (exact.abs() < 3.403e38))
    torch.testing.assert_close(got[special & (expected != 0)], expected[special & (expected != 0)], equal_nan=True)
    unit = torch.ldexp(torch.ones_like(exact), (torch.frexp(exact.abs()).exponent - 24).clamp(min=-149))
    finite = expected.isfinite() & got.isfinite()
    assert finite.sum() > 0.9 * (~special).sum()
    assert ((got.double() - exact).abs() / unit)[finite].max() <= 1.5
    assert torch.equal(got.signbit()[finite & (got == 0)], exact.signbit()[finite & (got == 0)])


class Mixed(nn.Module):
    """Chains over columns of several types."""

    def forward(self, x: torch.Tensor, code: torch.Tensor, wide: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return [n] f32 and f64 from f32, i64 and f64."""
        chosen = torch.where(code == 2, x, torch.where(x > 0, torch.exp(-x), x * 0.5))
        return chosen, wide * chosen + code


@pytest.mark.parametrize("shape", [(5,), (100,), (3, 33), (2, 3, 64)])
def test_types_and_shapes_of_elementwise_kernels(shape, tmp_path):
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(shape, generator=generator)
    code = torch.randint(0, 4, shape, generator=generator)
    wide = torch.randn(shape, generator=generator, dtype=torch.float64)
    found = slipstick.compile(Mixed(), (x, code, wide), cache_dir=tmp_path, threads=1)(x, code, wide)
    for got, expected in zip(found, Mixed()(x, code, wide), strict=True):
        torch.testing.assert_close(got, expected, rtol=3e-6, atol=1e-6)


def test_small_kernels_of_vectors_are_spread_over_threads_by_their_elements(tmp_path):
    x = torch.randn(64, 512)
    two = slipstick.compile(Rows(), (x,), cache_dir=tmp_path, threads=2)
    assert "scf.parallel" in two.stage("loops") and "vector<" in two.stage("loops")
    for got, expected in zip(two(x), Rows()(x), strict=True):
        torch.testing.assert_close(got, expected, rtol=3e-6, atol=1e-6)


def test_the_last_lane_of_a_row_is_written_alone():
    """As a masked store of one lane, LLVM wrote the whole i32 that it was cut from, into the next row's elements."""

    def difference(x: torch.Tensor) -> torch.Tensor:
        return x - 9

    x = torch.randint(0, 256, (3, 17), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    compiled = slipstick.compile(difference, (x,))
    assert "vector.maskedstore" not in compiled.stage("loops") and "memref.store" in compiled.stage("loops")
    torch.testing.assert_close(compiled(x), x - 9, rtol=0, atol=0)
