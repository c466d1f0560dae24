"""Graphs that the fuzzer found, small: each was a wrong result or a dead process once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import slipstick
import torch
from fuzz.process import verdicts
from fuzz.verdict import Verdict
from torch import nn


class Function(nn.Module):
    """A module of a function of tensors."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


def run(function: Callable[..., Any], *inputs: torch.Tensor) -> None:
    """Compare with torch, in a process of its own: some of these ended it."""

    def check(_: int) -> Verdict:
        found = slipstick.compile(Function(function), inputs, threads=1)(*inputs)
        torch.testing.assert_close(found, function(*inputs), rtol=0, atol=0, equal_nan=True)
        return Verdict("right")

    ((_, verdict),) = verdicts(check, [0], 300)
    assert verdict == Verdict("right")


NAN = torch.nan


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_a_maximum_with_nan_is_nan_on_either_side(dtype):
    x = torch.tensor([NAN, 1, 3, -torch.inf, NAN, 2], dtype=dtype)
    y = torch.tensor([1, NAN, 2, 5, NAN, 2], dtype=dtype)
    run(lambda x, y: (torch.maximum(x, y), torch.minimum(x, y)), x, y)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8], ids=str)
def test_divisions_of_8_bits(dtype):
    x = torch.arange(120, 132).to(dtype)
    y = torch.tensor([1, 2, 3, 100, 5, 7] * 2).to(dtype)
    run(lambda x, y: (x % 4, x * 3, x // 3, x // y, torch.div(x, y, rounding_mode="trunc")), x, y)


def test_lanes_behind_a_row_are_not_divided_by_zero():
    x, y = torch.arange(31 * 31).reshape(31, 31).to(torch.int16), torch.arange(1, 32).to(torch.int16)
    run(lambda x, y: torch.fmod(x, y), x, y)


def test_divisions_of_all_integers_by_zero_and_of_the_least_by_minus_one():
    dtypes = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    pairs = []
    for dtype in dtypes:
        least = torch.iinfo(dtype).min
        pairs += [torch.tensor([7, least, 5, 9, least] * 7, dtype=dtype), torch.tensor([0, -1, 2, 0, 0] * 7).to(dtype)]

    def forward(*pairs):
        found = []
        for x, y in zip(pairs[::2], pairs[1::2], strict=True):
            found += [x // y, x % y, torch.fmod(x, y), torch.div(x, y, rounding_mode="trunc")]
        return found

    def check(_: int) -> Verdict:
        ones = [torch.ones_like(one) for one in pairs]
        found = slipstick.compile(Function(forward), tuple(ones), threads=1)(*pairs)
        return Verdict("right" if all(one[2] == 5 // 2 for one in found[::4]) else "wrong")

    ((_, verdict),) = verdicts(check, [0], 300)
    assert verdict == Verdict("right")


def test_a_division_by_zero_does_not_end_the_process():
    x, y = torch.arange(-4, 5), torch.tensor([0, 1, 2] * 3)
    compiled = slipstick.compile(Function(lambda x, y: x // y), (x, y), threads=1)
    found = compiled(x, y)
    assert found[y != 0].equal(x[y != 0] // y[y != 0])
    least = torch.full((9,), -(2**63))
    assert compiled(least, torch.full((9,), -1)).equal(least)


INFINITE = torch.inf


def test_nan_is_the_extreme_and_the_last_in_order():
    x = torch.tensor([
        [1, 2, NAN, 3, NAN, 0, 0],
        [INFINITE, -INFINITE, NAN, 1, 2, 3, INFINITE],
        [-INFINITE] * 7,
        [NAN] * 7,
        [0, 5, 1, 4, 2, 3, 5],
    ])  # fmt: skip

    def forward(x):
        places = x.argmax(1), x.argmin(1), *x.max(1), *x.min(1), x.argmax(0), x.argmax()
        return (
            *places,
            *torch.sort(x, stable=True),
            *torch.sort(x, dim=1, descending=True, stable=True),
            x.topk(3).values,
        )

    run(forward, x)


def test_bounds_and_remainders_of_special_numbers():
    x = torch.tensor([NAN, INFINITE, -INFINITE, 1e9, -1e9, 2, 1e-40, -3.5])
    y = torch.tensor([2.3, 2.3, 1, 2.3, 1.1, NAN, 0.5, INFINITE])

    def forward(x, y):
        clamped = x.clamp(-1, 1), x.clamp(min=y), x.clamp(max=0.25), nn.functional.relu6(x), nn.functional.hardtanh(x)
        return *clamped, torch.fmod(x, y), torch.fmod(x, 0.7), torch.remainder(x, y)

    run(forward, x, y)


def test_shifts_by_operators():
    x = torch.arange(-4, 4, dtype=torch.int32)
    run(lambda x: (x << (x & 3), x >> (x & 3)), x)


def test_bytes_without_elements():
    """torch-mlir folds what is computed of them to constants, which it refuses."""
    x, y = torch.zeros(0, 9, dtype=torch.uint8), torch.arange(18).reshape(2, 9).to(torch.uint8)
    run(lambda x, y: (x % 4, torch.cat([x + 1, y * 3]), x.sum(0), y[:, :0] + 1), x, y)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8], ids=str)
def test_arithmetic_on_all_integers_of_8_bits(dtype):
    """Those of uint8 above 127 were taken for negative ones; some operations ended the process, any() was refused."""

    def arithmetic(x, y):
        found = -x, x - 9, x * 200, x / 2, x * 2.5, x.abs(), x | 9, x ^ 5, x // 3, x % y, torch.fmod(x, y), x + y.int()
        return *found, x > y, x.float() > y, x.clamp(min=y), torch.where(x > y, x, y), torch.where(x > y, x, y.int())

    def reductions(x):
        found = x.sum(1), x.prod(0), x.max(), x.min(), *x.max(1), x.cumsum(0), x.any(), x.all(0), x.roll(3)
        return *found, *torch.sort(x, stable=True), x.topk(2).values

    x = torch.arange(256).reshape(16, 16).to(dtype)
    y = x.flip(0, 1) | 1
    run(lambda x, y: (*arithmetic(x, y), *reductions(x)), x, y)


def test_bytes_are_compared_with_numbers_above_127():
    x = torch.arange(120, 136).to(torch.uint8)
    run(lambda x: (x != 130, x < 130, x == 130, x >= 130), x)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16], ids=str)
def test_negative_integers_of_all_sizes(dtype):
    """They went by way of f32, which rounds them."""
    limits = torch.iinfo(dtype)
    x = torch.tensor([limits.max, limits.min, limits.max - 1, limits.min + 2, 0, 5, -7]).to(dtype)
    run(lambda x: -x, x)


def test_logaddexp_of_special_numbers():
    x = torch.tensor([NAN, NAN, -INFINITE, INFINITE, INFINITE, -INFINITE, -INFINITE, 0, NAN])
    y = torch.tensor([-INFINITE, INFINITE, NAN, -INFINITE, INFINITE, -INFINITE, 1, -INFINITE, 2])
    run(torch.logaddexp, x, y)


def test_logarithms_of_running_sums_of_what_has_no_exponential():
    x = torch.tensor(
        [[1e9, -1e9, 3, 1e9, 2], [-1e9, -1e9, 200, 0, INFINITE], [-INFINITE, 1, NAN, 2, 3], [-200, 0, 0, 0, 0]]
    )
    compiled = slipstick.compile(Function(lambda x: (x.logcumsumexp(1), x.logcumsumexp(0))), (x,), threads=1)
    expected = x.logcumsumexp(1), x.logcumsumexp(0)
    torch.testing.assert_close(compiled(x), expected, rtol=1e-6, atol=1e-6, equal_nan=True)


def test_divisions_of_64_bit_integers_are_rounded_down():
    """They went by way of f64, which has 53 bits of them."""
    x = torch.tensor([3560813998095556538, -5, 2**62 - 1, 1 - 2**62, 2**53 + 1, -(2**63), 0, -1])
    y = torch.tensor([3, -3, 5, -7, 1, -2, 5, 2**60])

    def forward(x, y):
        return x // 3, x // -7, x // y, torch.div(x, y, rounding_mode="floor"), 7 // y, x.int() // 3

    run(forward, x, y)


def test_images_with_infinite_neighbours_are_interpolated():
    """Between equal infinities was NaN, their difference."""
    x = torch.zeros(1, 1, 3, 5)
    x[0, 0, 1, 4] = INFINITE
    x[0, 0, 2] = torch.tensor([-INFINITE, -INFINITE, 1, 2, NAN])

    def forward(x):
        sizes = nn.functional.interpolate(x, size=(4, 9), mode="bilinear", align_corners=True)
        return sizes, nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")

    run(forward, x)


def test_a_negative_bound_of_bytes_is_a_byte():
    x = torch.arange(250, 258).to(torch.uint8)
    run(lambda x: (x.clamp(-3, 3), x.clamp(min=-3), x.clamp(max=-2)), x)


def test_a_product_whose_results_are_repeated():
    """The repetition was taken for something done to each result; the pass made what is no IR."""
    x, weight = torch.ones(1, 4, 4), torch.arange(16.0).reshape(4, 4)
    run(lambda x, weight: nn.functional.linear(x, weight).repeat_interleave(2, 2), x, weight)


def test_a_variance_of_variances():
    """A pass erased what was still read, which ended the process."""
    x = torch.arange(24.0).reshape(1, 3, 8)
    run(lambda x: torch.var_mean(x, 2)[0].var((0, 1)), x)


def test_the_least_value_beside_nan():
    """Where all others were NaN too, it was infinite."""
    x = torch.tensor([[NAN, NAN, INFINITE, 1.0], [NAN, INFINITE, NAN, NAN], [NAN, 2, INFINITE, 0]])
    run(lambda x: (x.kthvalue(1, 0).values, x.kthvalue(2, 0, keepdim=True).values, x.kthvalue(2, 1).values), x)


def test_a_norm_of_many_numbers_of_16_bits():
    """Each partial sum was rounded: 41.9 for 42.5."""
    x = torch.full((17, 17), 2.5)
    run(lambda x, y: (torch.linalg.vector_norm(x), torch.linalg.vector_norm(y, dim=1)), x.half(), x.bfloat16())


def test_running_products_that_leave_the_range_and_come_back():
    """They were infinite from there on, and NaN beside a zero; torch multiplies in the next wider type."""
    x = torch.tensor([[1e30, 1e30, 1e-30, 1e-30, INFINITE], [1e-40, 1e-30, INFINITE, 2, 0]])
    halves = torch.tensor([300.0, 300.0, 1e-3, 7e-4]).half()
    run(lambda x, y: (x.cumprod(1), x.cumsum(1), y.cumprod(0), y.bfloat16().cumsum(0)), x, halves)


def test_the_angle_of_zeros_that_are_constants():
    """MLIR folds it to NaN."""

    def forward(x):
        zero = x.zero_()
        return torch.atan2(zero, zero), torch.atan2(zero, -zero), torch.atan2(-zero, zero)

    run(lambda x: forward(x.clone()), torch.ones(3))
    signs = torch.tensor([0.0, -0.0, 0.0, -0.0, NAN, 1.0]), torch.tensor([0.0, 0.0, -0.0, -0.0, 0.0, INFINITE])
    run(torch.atan2, *signs)


def test_sums_of_many_numbers_of_16_bits():
    """Each partial sum was rounded: 600 ones in bf16 added up to 256."""

    def forward(x, y):
        return x.sum(), x.sum((0, 2)), x.mean((1, 2), keepdim=True), x.mean(), y.prod(0), x.sum(1, dtype=torch.float32)

    for dtype in (torch.float16, torch.bfloat16):
        run(forward, torch.full((2, 20, 30), 1.0 + 2**-7, dtype=dtype), torch.full((40, 2), 1.0625).bfloat16())
