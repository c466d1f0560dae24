"""Constant tensors of one number, in compiled modules; loops over many columns."""

from __future__ import annotations

import slipstick
import torch
from torch import Tensor, nn


class Filled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 0, torch.full_like(x, 3.0), x * torch.full((7,), 0.5))


def test_a_filled_tensor_is_a_number_in_the_code():
    x = torch.randn(1000, 7)
    native = slipstick.compile(Filled(), (x,), threads=1)
    assert "dense<" not in native.stage("scheduled")
    assert torch.equal(native(x), Filled()(x))


class Columns(nn.Module):
    def forward(self, *columns: Tensor) -> Tensor:
        total = columns[0]
        for place, column in enumerate(columns[1:]):
            total = torch.where(column > 0.04 * place, total + column, total)
        return total


def test_many_columns_are_computed_in_narrower_vectors_than_few():
    for count, length in ((3, 1003), (20, 1003)):
        columns = tuple(torch.rand(length) for _ in range(count))
        native = slipstick.compile(Columns(), columns, threads=1, target="znver4")
        text = native.stage("loops")
        assert ("vector<128xf32>" in text) == (count == 3)
        assert "vector<16xf32>" in text
        native = slipstick.compile(Columns(), columns, threads=1)
        assert torch.equal(native(*columns), Columns()(*columns))
