"""The gradients of `slipstick.lmul` and `slipstick.lmul_matmul`: what each promises, against finite differences."""

from __future__ import annotations

from typing import Any

import pytest
import slipstick
import torch
from torch import Tensor

FULL = {torch.float32: 23, torch.float64: 52}
"""Mantissa bits with which nothing is truncated, so that the product is piecewise linear."""

variants = pytest.mark.parametrize("variant", ["carry", "eq1"])
policies = pytest.mark.parametrize("specials", ["ieee", "finite"])


def numbers(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Return numbers of both signs over some binades."""
    generator = torch.Generator().manual_seed(seed)
    exponent = torch.randint(-3, 4, shape, generator=generator)
    return (torch.randn(shape, generator=generator) * 2.0**exponent).to(dtype)


def gradients(function: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of the sum of a function of tensors."""
    leaves = [v.detach().clone().requires_grad_() for v in inputs]
    return torch.autograd.grad(function(*leaves).sum(), leaves)


def piecewise(x: Tensor, y: Tensor, **arguments: Any) -> Tensor:
    return slipstick.lmul(x, y, **{"mantissa_bits": FULL[x.dtype], "gradient": "piecewise", **arguments})


# Element by element


def test_straight_through_is_the_exact_product() -> None:
    x, y, g = numbers(1, 4, 1, 5), numbers(2, 3, 5), numbers(3, 4, 3, 5)
    found = gradients(lambda x, y: slipstick.lmul(x, y, 3) * g, x, y)
    expected = gradients(lambda x, y: x * y * g, x, y)
    assert [v.shape for v in found] == [x.shape, y.shape]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=1e-14)


@policies
@variants
@pytest.mark.parametrize("offset", ["paper", "unbiased", "min-rms"])
def test_piecewise_is_the_slope_by_finite_differences(specials: Any, variant: Any, offset: Any) -> None:
    x, y = numbers(1, 2000), numbers(2, 2000)
    arguments = {"specials": specials, "variant": variant, "offset": offset}
    gx, gy = gradients(lambda x, y: piecewise(x, y, **arguments), x, y)
    hx, hy = x.abs() * 2.0**-24, y.abs() * 2.0**-24
    by_x = (piecewise(x + hx, y, **arguments) - piecewise(x - hx, y, **arguments)) / (2 * hx)
    by_y = (piecewise(x, y + hy, **arguments) - piecewise(x, y - hy, **arguments)) / (2 * hy)
    torch.testing.assert_close(gx, by_x, rtol=1e-7, atol=0)
    torch.testing.assert_close(gy, by_y, rtol=1e-7, atol=0)
    # A line through the origin has no such slopes: they are powers of two, and differ from the exact product's.
    assert (gx.frexp()[0].abs() == 0.5).all() and not torch.allclose(gx, y, rtol=0.05)


@variants
def test_gradcheck(variant: Any) -> None:
    x, y = numbers(5, 3, 1, 4).requires_grad_(), numbers(6, 5, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: piecewise(x, y, variant=variant), (x, y), eps=2.0**-26)


def test_slopes_by_hand() -> None:
    """k = 23 adds 1/16. 1.5 * 1.25: n = 0. 1.5 * 1.5: n = 1. -3 * 1.75: ex = 1, n = 1."""
    x, y = torch.tensor([1.5, 1.5, -3.0]), torch.tensor([1.25, 1.5, 1.75])
    gx, gy = gradients(piecewise, x, y)
    assert gx.tolist() == [1.0, 2.0, 2.0]
    assert gy.tolist() == [1.0, 2.0, -4.0]


def test_at_a_kink_the_slope_is_that_of_larger_magnitudes() -> None:
    """1.0 begins a binade; 1.4375 * 1.5 has 7/16 + 1/2 + 1/16 = 1, where the carry begins."""
    x, y = torch.tensor([1.0, -1.0, 1.4375, -1.4375]).double(), torch.tensor([1.5, 1.5, 1.5, 1.5]).double()
    gx, gy = gradients(piecewise, x, y)
    for v, found, moved in ((x, gx, lambda h: piecewise(x + h, y)), (y, gy, lambda h: piecewise(x, y + h))):
        h = 2.0**-20 * v.sign()
        torch.testing.assert_close(found, (moved(h) - moved(0)) / h, rtol=1e-9, atol=0)
    assert not torch.equal(gx, (piecewise(x, y) - piecewise(x - 2.0**-20 * x.sign(), y)) / (2.0**-20 * x.sign()))


@pytest.mark.parametrize("rounding", ["truncate", "rne"])
@pytest.mark.parametrize("k", [2, 3, 4])
def test_truncation_is_passed_through(rounding: Any, k: int) -> None:
    """The slopes are those at the operands as they were added."""
    x, y = numbers(1, 2000, dtype=torch.float32), numbers(2, 2000, dtype=torch.float32)
    kept = [_kept(v, k, rounding) for v in (x, y)]
    found = gradients(lambda x, y: piecewise(x, y, mantissa_bits=k, rounding=rounding), x, y)
    expected = gradients(lambda x, y: piecewise(x, y, mantissa_bits=k), *kept)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def _kept(x: Tensor, k: int, rounding: str) -> Tensor:
    fraction, exponent = x.frexp()
    scaled = fraction * 2.0 ** (k + 1)
    kept: Tensor = torch.ldexp(scaled.round() if rounding == "rne" else scaled.trunc(), exponent - k - 1)
    return kept


def test_zeros_and_clamped_operands() -> None:
    """Where the product does not depend on an operand, its gradient is the exact product's: zero weights learn."""
    tiny, huge = 2.0**-100, 2.0**100
    x, y = torch.tensor([0.0, -0.0, 1e-40, 1.5, tiny, huge]), torch.tensor([1.75, 1.75, 1.75, 0.0, 1.75, 1.75])
    gx, gy = gradients(piecewise, x, y)
    assert gx[:4].tolist() == [1.75, 1.75, 1.75, 0.0]
    assert gy[:3].tolist() == [0.0, 0.0, 0.0] and gy[3] == 1.5
    gx, gy = gradients(lambda x, y: piecewise(x, y, specials="finite"), x, y)
    # A zero counts as 2^-60, whose binade the other operand's slope is.
    assert gx.tolist() == [1.75, 1.75, 1.75, 2.0**-60, 1.75, 1.75]
    assert gy.tolist() == [2.0**-60, -(2.0**-60), 2.0**-60, 1.5, 2.0**-60, 2.0**60]


def test_nan_and_infinity() -> None:
    nan, inf = float("nan"), float("inf")
    x, y = torch.tensor([nan, inf, -inf]), torch.tensor([1.75, 1.25, 1.25])
    gx, gy = gradients(piecewise, x, y)
    assert gx[1:].tolist() == [1.0, 1.0]
    assert gy[0].isnan() and gy[1:].tolist() == [inf, -inf]


@pytest.mark.parametrize("gradient", ["straight-through", "piecewise"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_gradients_have_the_operands_dtype(gradient: Any, dtype: torch.dtype) -> None:
    x, y = numbers(1, 6, 4, dtype=dtype), numbers(2, 4, 5, dtype=dtype)
    gx, gy = gradients(lambda x, y: slipstick.lmul(x[0], y[:, 0], gradient=gradient), x, y)
    assert gx.dtype == gy.dtype == dtype and gx[1:].eq(0).all()
    ga, gb = gradients(lambda x, y: slipstick.lmul_matmul(x, y, gradient=gradient), x, y)
    assert ga.dtype == gb.dtype == dtype
    exact = gradients(torch.matmul, x.double(), y.double())
    for found, expected, terms in zip((ga, gb), exact, ((y.abs().sum(1)), (x.abs().sum(0)[:, None])), strict=True):
        assert ((found.double() - expected).abs() <= 0.52 * terms).all()


def test_an_operand_without_gradient() -> None:
    x, y = numbers(1, 3, 3).requires_grad_(), numbers(2, 3, 3)
    for product in (slipstick.lmul(x, y), slipstick.lmul_matmul(x, y), slipstick.lmul_matmul(y, x)):
        (g,) = torch.autograd.grad(product.sum(), x)
        assert g.shape == x.shape
    assert not slipstick.lmul(y, y).requires_grad


def test_fp8_operands_pass_gradients_to_what_they_were_made_from() -> None:
    x = numbers(1, 8, dtype=torch.float32).requires_grad_()
    y = numbers(2, 8, dtype=torch.float32).to(torch.float8_e4m3fn)
    (g,) = torch.autograd.grad(slipstick.lmul(x.to(torch.float8_e4m3fn), y).float().sum(), x)
    assert torch.equal(g, y.float())


# Matrix products


def summed(a: Tensor, b: Tensor, **arguments: Any) -> Tensor:
    """Return the matrix product with all its terms at once."""
    return piecewise(a[..., :, :, None], b[..., None, :, :], **arguments).sum(-2)


SHAPES = [((5, 7), (7, 6)), ((2, 3, 5, 7), (7, 6)), ((3, 1, 5, 7), (2, 7, 6)), ((5, 7), (4, 7, 6))]


@pytest.mark.parametrize(("left", "right"), SHAPES)
@policies
@variants
@pytest.mark.parametrize("block", [4, 11, 1 << 18])
def test_matrix_products(left: Any, right: Any, specials: Any, variant: Any, block: int) -> None:
    a, b = numbers(1, *left), numbers(2, *right)
    a[..., 1, 2], a[..., 3, :], b[..., 4, 1] = 0.0, 0.0, -0.0
    a[..., 0, 0] = 2.0**-70
    g = numbers(3, *torch.matmul(a, b).shape)
    arguments = {"specials": specials, "variant": variant}

    def blocked(a: Tensor, b: Tensor) -> Tensor:
        return g * slipstick.lmul_matmul(a, b, 52, gradient="piecewise", block=block, **arguments)  # type: ignore[arg-type]

    found = gradients(blocked, a, b)
    expected = gradients(lambda a, b: g * summed(a, b, **arguments), a, b)
    for one, other, operand in zip(found, expected, (a, b), strict=True):
        assert one.shape == operand.shape
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@variants
def test_gradcheck_of_matrix_products(variant: Any) -> None:
    a, b = numbers(5, 2, 3, 4).requires_grad_(), numbers(6, 4, 5).requires_grad_()

    def product(a: Tensor, b: Tensor) -> Tensor:
        return slipstick.lmul_matmul(a, b, 52, variant=variant, gradient="piecewise")

    assert torch.autograd.gradcheck(product, (a, b), eps=2.0**-26)


@pytest.mark.parametrize(("left", "right"), [*SHAPES, ((7,), (7, 6)), ((5, 7), (7,)), ((7,), (7,))])
def test_straight_through_matrix_products(left: Any, right: Any) -> None:
    a, b = numbers(1, *left), numbers(2, *right)
    g = numbers(3, *torch.matmul(a, b).shape)
    found = gradients(lambda a, b: g * slipstick.lmul_matmul(a, b, 3), a, b)
    expected = gradients(lambda a, b: g * torch.matmul(a, b), a, b)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
