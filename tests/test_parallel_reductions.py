"""Reductions on two threads, in all calls: no thread adds to what another adds to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import slipstick
import torch
from torch import nn

Function = Callable[[torch.Tensor], torch.Tensor]

REDUCTIONS: dict[str, Function] = {
    "sum of tokens": lambda x: x.sum(1),
    "greatest of tokens": lambda x: x.amax(1),
    "sum of rows and tokens": lambda x: x.sum((0, 1)),
    "sum of columns": lambda x: x.sum(2),
    "mean and norm": lambda x: nn.functional.normalize(x.mean(1), dim=1),
    "of squares, in two": lambda x: (x * x).view(x.shape[0], 2, -1, x.shape[-1]).sum(2),
}


class Called(nn.Module):
    """Calls a function."""

    def __init__(self, function: Function):
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the function's result."""
        return self.function(x)


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_two_threads_compute_what_one_does(name: str, batch: int) -> None:
    x = torch.randn(batch, 128, 256, generator=torch.Generator().manual_seed(1))
    module = Called(REDUCTIONS[name])
    compiled = slipstick.compile(module, (x,), threads=2)
    expected = module(x)
    for _ in range(10):
        torch.testing.assert_close(compiled(x), expected, atol=1e-4, rtol=1e-5)


def test_the_error_function_in_loops_of_a_parallel_body_compiles() -> None:
    """Its tables are read by an intrinsic, in a body with control flow."""
    x = torch.randn(1, 24, 3000)
    module = nn.Sequential(nn.Conv1d(24, 32, 3, padding=1), nn.GELU()).eval()
    with torch.no_grad():
        torch.testing.assert_close(slipstick.compile(module, (x,), threads=2)(x), module(x), atol=1e-5, rtol=1e-5)
