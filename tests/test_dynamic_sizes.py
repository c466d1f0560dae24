"""Sizes that differ from call to call: within their ranges as in torch eager, outside of them an error."""

from __future__ import annotations

import pytest
import slipstick
import torch
from module_harness import Attention, compiled, function, same
from slipstick import ArgumentError
from torch import nn
from torch.export import Dim


@pytest.fixture(scope="module")
def attention():
    module = Attention().eval()
    batch, length = Dim("batch", min=1, max=6), Dim("length", min=1, max=16)
    shapes = {"x": {0: batch, 1: length}, "mask": {0: batch, 1: length}}
    example = (torch.randn(2, 5, 8), torch.ones(2, 5, dtype=torch.bool))
    return module, slipstick.compile(module, example, dynamic_shapes=shapes)


@pytest.mark.parametrize("size", [(2, 5), (1, 1), (6, 16), (3, 1), (1, 16)], ids=str)
def test_dynamic_batch_and_length(attention, size):
    module, native = attention
    x, mask = torch.randn(*size, 8), torch.ones(size, dtype=torch.bool)
    mask[:, size[1] // 2 + 1 :] = False
    with torch.no_grad():
        same(native(x, mask), module(x, mask))


@pytest.mark.parametrize(
    ("x", "mask", "message"),
    [
        ((7, 5, 8), (7, 5), "x: dimension 0: expected 1 to 6, found 7"),
        ((2, 17, 8), (2, 17), "x: dimension 1: expected 1 to 16, found 17"),
        ((2, 5, 9), (2, 5), "x: dimension 2: expected 8, found 9"),
        ((2, 5, 8), (2, 4), r"mask: dimension 1: expected 5 \(as x: dimension 1\), found 4"),
        ((2, 5), (2, 5), "x: expected rank 3 .*found rank 2"),
    ],
    ids=str,
)
def test_sizes_outside_the_range_name_argument_and_dimension(attention, x, mask, message):
    _, native = attention
    with pytest.raises(ArgumentError, match=message):
        native(torch.zeros(x), torch.ones(mask, dtype=torch.bool))


def test_derived_and_automatic_dimensions():
    module = function(lambda x, y: torch.cat([x, y], 1).reshape(x.shape[0] * 2, -1))
    half = Dim("half")
    native = compiled(
        module,
        torch.ones(4, 6),
        torch.ones(4, 6),
        dynamic_shapes=({0: 2 * half, 1: Dim.AUTO}, {0: Dim.AUTO, 1: Dim.AUTO}),
    )
    for rows, left, right in ((4, 6, 6), (2, 4, 2), (10, 3, 5)):
        x, y = torch.randn(rows, left), torch.randn(rows, right)
        same(native(x, y), module(x, y))
    with pytest.raises(ArgumentError, match="y: dimension 0: expected 4"):
        native(torch.ones(4, 6), torch.ones(6, 6))
    with pytest.raises(ArgumentError, match=r"x: dimension 0: expected 2\*s\d+, found 5"):
        native(torch.ones(5, 6), torch.ones(5, 6))
    with pytest.raises(ArgumentError, match=r"sizes of the inputs: expected .* found x: "):
        native(torch.ones(4, 6), torch.ones(4, 5))


def test_dynamic_sizes_may_be_zero():
    module = function(lambda x: (x * 2, x.sum(0)))
    native = compiled(module, torch.ones(3, 2), dynamic_shapes=({0: Dim("n")},))
    for n in (0, 1, 5):
        same(native(torch.ones(n, 2)), module(torch.ones(n, 2)))


def test_dynamic_integer_argument_and_size_results():
    module = function(lambda x, n: (x[:n] + n, x.shape[0] * 2, x.numel() / 2))
    native = compiled(module, torch.arange(6.0), 3, dynamic_shapes=({0: Dim.DYNAMIC}, Dim.DYNAMIC))
    same(native(torch.arange(8.0), 5), module(torch.arange(8.0), 5))


def test_embedding_with_an_index_out_of_range_is_an_error():
    native = compiled(nn.Embedding(4, 2), torch.tensor([0, 1, 2]))
    for bad in (4, -1, 1 << 40):
        with pytest.raises(ArgumentError, match="index must be"):
            native(torch.tensor([0, bad, 1]))
    assert native(torch.tensor([3, 0, 0])).shape == (3, 2)


def test_sizes_that_depend_on_data():
    module = function(lambda x: (torch.nonzero(x), x + x.sum().item()))
    native = compiled(module, torch.tensor([1.0, -1.0, 2.0]))
    for values in ([1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]):
        same(native(torch.tensor(values)), module(torch.tensor(values)))
