"""Graphs that the fuzzer found, small: each was a wrong result or a dead process once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import slipstick
import torch
from fuzz.check import Verdict
from fuzz.process import verdicts
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


def test_a_division_by_zero_does_not_end_the_process():
    x, y = torch.arange(-4, 5), torch.tensor([0, 1, 2] * 3)
    compiled = slipstick.compile(Function(lambda x, y: x // y), (x, y), threads=1)
    found = compiled(x, y)
    assert found[y != 0].equal(x[y != 0] // y[y != 0])
    least = torch.full((9,), -(2**63))
    assert compiled(least, torch.full((9,), -1)).equal(least)
