"""Chains of L-Mul products, whose clamps are joined: the same bits as the products one by one."""

from __future__ import annotations

import pytest
import slipstick
import torch
from torch import nn


class Chain(nn.Module):
    """Products of rows with a number of each row or a constant, and then with a vector; of a square, of magnitudes."""

    def forward(self, x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> tuple[torch.Tensor, ...]:
        magnitude = x.abs()
        return (
            x * rows * columns,
            0.3 * x * columns,
            x * 2.0**70 * columns,
            x * x,
            magnitude * 0.5 * x,
            magnitude * rows * columns,
        )


def expected(lmul: slipstick.LMul, x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> list[torch.Tensor]:
    """Return the same, each product by itself."""

    def times(a: torch.Tensor, b: torch.Tensor | float) -> torch.Tensor:
        b = b if isinstance(b, torch.Tensor) else torch.tensor(b)
        return slipstick.lmul(a, b, lmul.mantissa_bits, lmul.rounding, "finite", lmul.offset)

    return [
        times(times(x, rows), columns),
        times(times(x, 0.3), columns),
        times(times(x, 2.0**70), columns),
        times(x, x),
        times(times(x.abs(), 0.5), x),
        times(times(x.abs(), rows), columns),
    ]


def numbers(*shape: int, seed: int) -> torch.Tensor:
    """Return f32 of both signs and all magnitudes, zeros of both signs among them."""
    generator = torch.Generator().manual_seed(seed)
    exponents = torch.rand(shape, generator=generator) * 252 - 126
    values = torch.randn(shape, generator=generator).sign() * 2**exponents
    return torch.where(torch.rand(shape, generator=generator) < 0.05, values * 0.0, values)


@pytest.mark.parametrize(
    "lmul",
    [
        slipstick.LMul(4, specials="finite"),
        slipstick.LMul(7, specials="finite", offset="min-rms"),
        slipstick.LMul(23, specials="finite"),
        slipstick.LMul(3, "rne", specials="finite"),
    ],
    ids=lambda lmul: f"{lmul.mantissa_bits}-{lmul.rounding}-{lmul.offset}",
)
def test_chains_give_the_bits_of_single_products(lmul: slipstick.LMul) -> None:
    arguments = numbers(97, 80, seed=1), numbers(97, 1, seed=2), numbers(80, seed=3)
    compiled = slipstick.compile(Chain(), arguments, lmul=lmul, threads=1)
    assert "memref<80xi32>" in compiled.stage("loops"), "the columns are prepared for each row"
    for i, (y, reference) in enumerate(zip(compiled(*arguments), expected(lmul, *arguments), strict=True)):
        assert torch.equal(y.view(torch.int32), reference.view(torch.int32)), i
