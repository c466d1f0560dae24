"""Arguments that native code overwrites: values, order, layouts, torch's version counters; and `index_copy`."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick import ArgumentError, IRError
from torch import nn
from torch.export import Dim


class Function(nn.Module):
    """A module of a function of two tensors."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x, y):
        """Call the function."""
        return self.body(x, y)


def swap(x, y):
    old = x.clone()
    x.copy_(y)
    y.copy_(old)


def shift(x, y):
    old = x.clone()
    x.mul_(2)
    y.copy_(old)
    return old


def accumulate(x, y):
    x.add_(y)
    total = x.sum()
    x.add_(total)
    return x * y, total


def same_value_twice(x, y):
    z = x + y
    x.copy_(z)
    y.copy_(z)
    return z


def rows_of_one_another(x, y):
    x[0] = y[1]
    y[1] = x[2]
    return x.t() @ y


def only_written(x, y):
    x.copy_(y + 1)


@pytest.mark.parametrize("body", [swap, shift, accumulate, same_value_twice, rows_of_one_another, only_written])
@pytest.mark.parametrize("strided", [False, True])
def test_both_tensors_hold_what_torch_says(body, strided):
    torch.manual_seed(0)
    native = slipstick.compile(Function(body), (torch.ones(4, 4), torch.ones(4, 4)))
    x, y = torch.randn(4, 4), torch.randn(4, 4)
    twins = [x.clone(), y.clone()]
    if strided:
        x, y = x.t(), y.t()
        twins = [twin.t() for twin in twins]
    found, expected = native(x, y), body(*twins)
    for a, b in zip((x, y), twins, strict=True):
        torch.testing.assert_close(a, b)
    if expected is not None:
        torch.testing.assert_close(found, expected)


def test_results_share_no_memory_with_what_is_overwritten():
    native = slipstick.compile(Function(same_value_twice), (torch.ones(4), torch.ones(4)))
    x, y = torch.ones(4), torch.ones(4)
    z = native(x, y)
    x.zero_()
    y.zero_()
    assert torch.equal(z, torch.full((4,), 2.0))


def test_buffers_are_overwritten_where_they_are():
    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("sums", torch.zeros(3, 2).t())

        def forward(self, x):
            self.sums += x
            return self.sums.sum()

    module = Counter()
    assert not module.sums.is_contiguous()
    native, sums = slipstick.compile(module, (torch.ones(2, 3),)), module.sums
    assert float(native(torch.ones(2, 3))) == 6
    assert float(native(torch.ones(2, 3))) == 12
    assert module.sums is sums and torch.equal(sums, torch.full((2, 3), 2.0))
    module.sums = torch.zeros(2, 3)
    assert float(native(torch.ones(2, 3))) == 6
    assert torch.equal(module.sums, torch.ones(2, 3))


def test_torch_is_told_of_the_change():
    native = slipstick.compile(Function(only_written), (torch.ones(2), torch.ones(2)))
    x, version = torch.zeros(2), 0
    version = x._version
    native(x, torch.ones(2))
    assert x._version > version
    with torch.inference_mode():
        inference = torch.zeros(2)
        native(inference, torch.ones(2))
        assert torch.equal(inference, torch.full((2,), 2.0))


def test_memory_shared_with_a_parameter_is_refused():
    class Add(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4))

        def forward(self, x):
            x += self.weight

    module = Add()
    native = slipstick.compile(module, (torch.ones(4),))
    with pytest.raises(ArgumentError, match="x: the graph overwrites it, and weight shares its memory"):
        native(module.weight.detach())
    native(torch.ones(4))
    assert torch.equal(module.weight.detach(), torch.ones(4))


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool, torch.bfloat16])
def test_index_copy(dim, dtype):
    class Copy(nn.Module):
        def forward(self, x, indices, source):
            return x.index_copy(dim, indices, source)

    torch.manual_seed(0)
    x = torch.randint(0, 2, (3, 4, 5)).to(dtype)
    indices = torch.tensor([2, 0, 2])
    shape = list(x.shape)
    shape[dim] = 3
    source = torch.randint(0, 2, shape).to(dtype)
    native = slipstick.compile(Copy(), (x, indices, source))
    assert torch.equal(native(x, indices, source), x.index_copy(dim, indices, source))


def test_index_copy_of_dynamic_sizes():
    class Copy(nn.Module):
        def forward(self, x, indices, source):
            return x.index_copy_(1, indices, source)

    count, rows, places = Dim("count", min=1, max=8), Dim("rows", min=1, max=9), Dim("places", min=1, max=99)
    shapes = {"x": {0: rows, 1: places}, "indices": {0: count}, "source": {0: rows, 1: count}}
    example = (torch.zeros(3, 5, 2), torch.tensor([1, 2]), torch.ones(3, 2, 2))
    native = slipstick.compile(Copy(), example, dynamic_shapes=shapes)
    x, indices, source = torch.zeros(2, 7, 2), torch.tensor([6, 0, 3]), torch.randn(2, 3, 2)
    expected = x.index_copy(1, indices, source)
    assert native(x, indices, source) is x
    assert torch.equal(x, expected)
    with pytest.raises(ArgumentError, match="index_copy: an index is out of range"):
        native(x, torch.tensor([7, 0, 3]), source)


OVERWRITING = """
func.func @main(%x: tensor<4xf32> {slipstick.overwritten = 1 : i64}, %y: tensor<4xf32>) -> (f32, tensor<4xf32>) {
  %sum = linalg.add ins(%x, %y : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  %i = arith.constant 2 : index
  %e = tensor.extract %sum[%i] : tensor<4xf32>
  return %e, %sum : f32, tensor<4xf32>
}
"""


def test_mlir_that_overwrites_an_argument():
    native = slipstick.compile(OVERWRITING)
    x, y = torch.arange(4.0), torch.ones(4)
    assert native(x, y) == 3
    assert torch.equal(x, torch.arange(1.0, 5.0))
    for stage in ("rewritten", "scheduled", "loops", "llvm"):
        again, x = slipstick.compile(native.stage(stage)), torch.arange(8.0)[::2]
        assert again(x, y) == 5
        assert torch.equal(x, torch.tensor([1.0, 3.0, 5.0, 7.0]))


def test_mlir_with_a_wrong_attribute_is_refused():
    with pytest.raises(IRError, match="expected the number of a result, found 2 : i64"):
        slipstick.compile(OVERWRITING.replace("= 1 :", "= 2 :"))
    with pytest.raises(IRError, match="expected a tensor of one type with result 0"):
        slipstick.compile(OVERWRITING.replace("= 1 :", "= 0 :"))
