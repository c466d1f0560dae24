"""fp8 multiplication through torch's types, against a decoder that shares nothing with torch."""

from __future__ import annotations

from typing import Any

import lmul_oracle as reference
import numpy as np
import pytest
import torch
from slipstick.errors import ArgumentError
from slipstick.kernels.float8 import DTYPES, float8_matmul, float8_multiply, quantise, round_to_float8

GREATEST = {"e4m3": 448.0, "e5m2": 57344.0}
formats = pytest.mark.parametrize("name", DTYPES)


def nearest(name: str, values: Any) -> Any:
    """Return the fp8 values nearest to numbers, ties to the even code, saturated, by search."""
    codes = reference.decode_fp8(name)[:128]
    grid = codes[np.isfinite(codes)]
    magnitude = np.minimum(np.abs(values), grid[-1])
    above = np.searchsorted(grid, magnitude).clip(1, len(grid) - 1)
    below = above - 1
    to_above, to_below = grid[above] - magnitude, magnitude - grid[below]
    up = (to_above < to_below) | ((to_above == to_below) & (above % 2 == 0))
    return np.copysign(np.where(up, grid[above], grid[below]), values)


@formats
def test_products_of_all_pairs(name: Any) -> None:
    numbers = torch.arange(256, dtype=torch.uint8).view(DTYPES[name])
    found = float8_multiply(numbers[:, None], numbers, name)
    assert found.dtype == DTYPES[name]
    values = reference.decode_fp8(name)
    with np.errstate(invalid="ignore"):
        exact = np.multiply.outer(values, values)
    expected = np.where(np.isnan(exact), np.nan, nearest(name, np.nan_to_num(exact, nan=0.0)))
    np.testing.assert_array_equal(found.double().numpy(), expected)


@formats
def test_rounding_saturates(name: Any) -> None:
    x = torch.tensor([1e9, -1e9, float("inf"), -float("inf"), float("nan")])
    top = GREATEST[name]
    expected = torch.tensor([top, -top, top, -top, float("nan")])
    torch.testing.assert_close(round_to_float8(x, DTYPES[name]).float(), expected, rtol=0, atol=0, equal_nan=True)


@formats
def test_scaling_uses_the_whole_range(name: Any) -> None:
    x = torch.randn(64, 64, generator=torch.Generator().manual_seed(1)) * 1e-6
    q, scale = quantise(x, name)
    assert q.dtype == DTYPES[name] and scale.dtype == torch.float32 and scale.shape == ()
    assert q.float().abs().max() == GREATEST[name]
    half_step = {"e4m3": 2.0**-4, "e5m2": 2.0**-3}[name]
    smallest = {"e4m3": 2.0**-9, "e5m2": 2.0**-16}[name] * scale
    assert ((q.float() * scale - x).abs() <= half_step * 1.0001 * x.abs() + smallest).all()
    unscaled, one = quantise(x, name, None)
    assert one == 1 and torch.equal(unscaled.float(), round_to_float8(x, DTYPES[name]).float())


@formats
def test_a_tensor_of_zeros(name: Any) -> None:
    q, scale = quantise(torch.zeros(3), name)
    assert scale == 1 and q.float().tolist() == [0, 0, 0]
    q, scale = quantise(torch.full((2,), 1e-45), name)
    assert scale == 1 and q.float().isfinite().all()
    assert quantise(torch.zeros(0), name)[1] == 1


@formats
def test_matrix_product(name: Any) -> None:
    generator = torch.Generator().manual_seed(2)
    a, b = torch.randn(3, 5, 40, generator=generator) * 100, torch.randn(40, 6, generator=generator) / 100
    found = float8_matmul(a, b, name)
    assert found.dtype == torch.float32 and found.shape == (3, 5, 6)
    rounded = []
    for v in (a, b):
        scale = v.abs().max().double().numpy() / GREATEST[name]
        rounded.append(nearest(name, (v / np.float32(scale)).double().numpy()) * scale)
    np.testing.assert_allclose(found.numpy(), rounded[0] @ rounded[1], rtol=1e-4, atol=1e-4)
    assert float8_matmul(a.bfloat16(), b.bfloat16(), name).dtype == torch.bfloat16


def test_wrong_arguments() -> None:
    x = torch.ones(3)
    with pytest.raises(ArgumentError, match="quantise: format: expected one of e4m3, e5m2, found 'e3m4'"):
        quantise(x, "e3m4")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="quantise: scale: expected None or per-tensor, found 'per-row'"):
        quantise(x, "e4m3", "per-row")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="quantise: x: expected a tensor of floats, found int32"):
        quantise(x.int(), "e4m3")
    with pytest.raises(ArgumentError, match="expected finite values to scale by"):
        quantise(x / 0, "e4m3")
    with pytest.raises(ArgumentError, match="float8_multiply: y: expected float8_e4m3fn, found float32"):
        float8_multiply(x.to(torch.float8_e4m3fn), x, "e4m3")
