"""slipstick.compile against torch eager: types and layouts of inputs, what a graph overwrites, other ways in."""

from __future__ import annotations

import copy

import pytest
import slipstick
import torch
from module_harness import Attention, compiled, function, same
from slipstick import ArgumentError
from torch import nn

# ---- dtypes, layouts, sizes


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8], ids=str
)
def test_arithmetic_of_a_dtype(dtype):
    module = function(lambda x, y: (x + y, x * y, x > y))
    x, y = torch.arange(6).reshape(2, 3).to(dtype), torch.full((3,), 2).to(dtype)
    same(compiled(module, x, y)(x, y), module(x, y))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_numbers_that_floats_are_compared_with_take_their_type(dtype):
    def forward(x):
        return x == 7.33, x != 7.33, x < 7.33, x <= 7.33, x > 7.33, x >= 7.33

    module, x = function(forward), torch.tensor([7.33, 7.0, 8.0], dtype=dtype)
    for wanted, got in zip(module(x), compiled(module, x)(x), strict=True):
        assert torch.equal(wanted, got)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision(dtype):
    module = function(lambda x, y: (x + y, x * y, x.float()))
    x, y = torch.randn(5).to(dtype), torch.randn(5).to(dtype)
    same(compiled(module, x, y)(x, y), module(x, y))


def test_bool():
    module = function(lambda a, b, x: (a & b, ~a, torch.where(a, x, -x), a.any()))
    a, b, x = torch.tensor([True, False, True]), torch.tensor([True, True, False]), torch.randn(3)
    same(compiled(module, a, b, x)(a, b, x), module(a, b, x))


def test_zero_dimensional_and_zero_size():
    module = function(lambda x, y: (x.sum() + y, torch.cat([x, x]), x * 2))
    x, y = torch.empty(0, 3), torch.tensor(2.5)
    same(compiled(module, x, y)(x, y), module(x, y))


def test_inputs_that_are_not_contiguous():
    module = function(lambda x: x * torch.arange(6.0).reshape(2, 3))
    x = torch.randn(2, 3)
    native = compiled(module, x)
    big = torch.randn(6, 8)
    for view in (torch.randn(3, 2).t(), big[1:6:4, 2:8:2], torch.randn(2, 1).expand(2, 3), torch.randn(2, 3).flip(0)):
        same(native(view), module(view))


def test_parameters_that_are_not_contiguous():
    module = nn.Linear(3, 4, bias=False)
    module.weight = nn.Parameter(torch.randn(3, 4).t())
    x = torch.randn(2, 3)
    native = compiled(module, x)
    with torch.no_grad():
        same(native(x), module(x))
        module.weight.mul_(2)
        same(native(x), module(x))


def test_inputs_that_require_grad():
    module, x = nn.Linear(3, 2), torch.randn(2, 3, requires_grad=True)
    result = compiled(module, x)(x)
    assert not result.requires_grad
    same(result, module(x).detach())


# ---- state and what the graph overwrites


def test_batch_norm_in_training_overwrites_its_buffers():
    module = nn.BatchNorm1d(3).train()
    twin, x = copy.deepcopy(module), torch.randn(4, 3)
    native = compiled(module, x)
    for _ in range(2):
        x = torch.randn(4, 3)
        same(native(x), twin(x).detach())
    same(dict(module.named_buffers()), dict(twin.named_buffers()))


def test_input_overwritten_in_place():
    def forward(x, y):
        x.add_(1)
        y[0] = 5
        return x, x * y

    module = function(forward)
    args, native_args = ((torch.zeros(3), torch.ones(3)) for _ in range(2))
    native = compiled(module, torch.zeros(3), torch.ones(3))
    expected, found = module(*args), native(*native_args)
    same(found, expected)
    same(native_args, args)
    assert found[0] is native_args[0]


def test_overwriting_an_input_that_is_not_contiguous():
    module = function(lambda x: x.mul_(2).sum())
    base, twin = torch.arange(12.0).reshape(3, 4), torch.arange(12.0).reshape(3, 4)
    same(compiled(module, torch.zeros(4, 3))(base.t()), module(twin.t()))
    same(base, twin)


def test_copy_into_an_input_returns_a_tensor_of_its_own():
    def forward(x):
        y = x + 1
        x.copy_(y)
        return y

    x = torch.zeros(2)
    y = compiled(function(forward), torch.zeros(2))(x)
    assert y is not x
    same((x, y), (torch.ones(2), torch.ones(2)))


def test_overwritten_memory_shared_with_another_input_is_refused():
    def forward(x, y):
        x.add_(y)
        return x

    native = compiled(function(forward), torch.ones(4), torch.ones(4))
    x = torch.ones(4)
    with pytest.raises(ArgumentError, match="x: the graph overwrites it, and y shares its memory"):
        native(x, x)
    base = torch.ones(8)
    with pytest.raises(ArgumentError, match="y shares its memory"):
        native(base[:4], base[2:6])
    same(native(base[:4], base[4:]), torch.full((4,), 2.0))
    same(x, torch.ones(4))


def test_one_tensor_given_twice_when_compiling_and_calling():
    module, x, y = function(lambda a, b: a - 2 * b), torch.randn(3), torch.randn(3)
    native = compiled(module, x, x)
    same(native(x, y), module(x, y))
    same(native(x, x), module(x, x))


def test_tied_parameters():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids):
            return self.head(self.embed(ids))

    module, ids = Tied(), torch.tensor([[1, 2, 6]])
    native = compiled(module, ids)
    with torch.no_grad():
        module.embed.weight.mul_(3)
        same(native(ids), module(ids))


# ---- other ways in


def test_exported_program():
    module, x = Attention().eval(), torch.randn(2, 3, 8)
    program = torch.export.export(module, (x,))
    native = slipstick.compile(program)
    with torch.no_grad():
        same(native(x), module(x))
        same(native(x=x), module(x))
    with pytest.raises(ArgumentError, match="an ExportedProgram has its own"):
        slipstick.compile(program, (x,))


def test_a_compiled_module_is_used_where_forward_is():
    inner, x = nn.Linear(3, 3).eval(), torch.randn(2, 3)
    native = compiled(inner, x)
    outer = nn.Sequential(nn.ReLU(), nn.Linear(3, 3))
    with torch.no_grad():
        expected = inner(torch.relu(x))
        outer[1].forward = native.forward
        same(outer(x), expected)


def test_lmul_is_applied_and_counted():
    module, x = nn.Linear(16, 16).eval(), torch.randn(4, 16)
    exact = compiled(module, x)
    native = compiled(module, x, lmul=slipstick.LMul())
    with torch.no_grad():
        error = (native(x) - module(x)).abs().max().item()
        assert (exact(x) - module(x)).abs().max().item() < 1e-5 < error < 0.5
    assert any("rewritten" in what and count > 0 for what, count in native.statistics.items())
    assert not any("rewritten" in what for what in exact.statistics)
