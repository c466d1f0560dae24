"""Functions, methods and callable objects as what is compiled; functions of MLIR chosen by name."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import slipstick
import torch
from slipstick import ArgumentError, GraphError, IRError
from slipstick.compiler.functions import called_name, function_module
from torch import nn

linear = nn.Linear(3, 3).eval()


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(3, 2)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return x

    def encode(self, x, *, scale=2.0):
        self.calls += 1
        return self.up(x) * scale + self.calls


class Scaled:
    def __init__(self):
        self.factor = torch.tensor([1.0, 2.0, 3.0])

    def __call__(self, x):
        return x * self.factor


def test_a_function_follows_the_modules_and_parameters_around_it():
    local, weight = nn.Linear(3, 3).eval(), nn.Parameter(torch.randn(3))

    def function(x, y=None):
        return linear(x) + local(x) * weight

    compiled = slipstick.compile(function, (torch.randn(2, 3),))
    with torch.no_grad():
        local.weight.mul_(2)
        weight.add_(1)
        x = torch.randn(2, 3)
        torch.testing.assert_close(compiled(x), function(x))
    assert set(compiled.parameters) >= {"linear.weight", "local.weight"}
    assert repr(compiled).startswith("CompiledModule(function(x: float32[2, 3])")


def test_a_method_is_called_as_itself_and_writes_the_buffers_of_its_module():
    encoder = Encoder().eval()
    encoder.register_forward_hook(lambda module, args, result: result * 0)
    compiled = slipstick.compile(encoder.encode, (torch.randn(2, 3),), {"scale": 3.0})
    x = torch.randn(2, 3)
    found = compiled(x, scale=3.0)
    assert encoder.calls == 1
    with torch.no_grad():
        torch.testing.assert_close(found, encoder.up(x) * 3.0 + 1)
    assert encoder(x).eq(0).all()


def test_objects_partial_applications_and_functions_in_c():
    x = torch.randn(2, 3)
    for called, name in (
        (Scaled(), "Scaled"),
        (functools.partial(torch.add, other=torch.ones(3)), "partial"),
        (torch.sin, "sin"),
    ):
        module = function_module(called)
        torch.testing.assert_close(slipstick.compile(called, (x,))(x), called(x))
        assert called_name(module) == name


def test_wrong_objects_and_inputs_are_refused():
    for obj, args, message in (
        (nn.ReLU, (torch.ones(1),), "found the class ReLU, not an object of it"),
        (linear, torch.ones(1, 3), r"args: expected a tuple of example inputs, such as \(x,\), found Tensor"),
        (linear, (np.ones((1, 3), np.float32),), "input: expected a tensor, found ndarray of NumPy"),
        (lambda x: x, (), r"<lambda>\.forward: missing a required argument: 'x'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            slipstick.compile(obj, args)
    with pytest.raises(GraphError, match="Expected the module and its inputs on the CPU"):
        slipstick.compile(nn.Linear(3, 3, device="meta"), (torch.ones(1, 3),))
    with pytest.raises(GraphError, match=r"_linalg_svd.*\nnote: torch\.compile\(model, backend=\"slipstick\"\)"):
        slipstick.compile(lambda x: torch.linalg.svd(x)[1], (torch.eye(3),))


FUNCTIONS = """
func.func @inner(%a: tensor<3xf32>) -> tensor<3xf32> {
  %0 = arith.addf %a, %a : tensor<3xf32>
  return %0 : tensor<3xf32>
}
func.func @outer(%a: tensor<3xf32>) -> tensor<3xf32> {
  %0 = call @inner(%a) : (tensor<3xf32>) -> tensor<3xf32>
  %1 = math.sin %0 : tensor<3xf32>
  return %1 : tensor<3xf32>
}
func.func @main() -> i64 {
  %0 = arith.constant 7 : i64
  return %0 : i64
}
"""


def test_the_entry_of_mlir_is_chosen_by_name():
    x = torch.tensor([0.0, 1.0, -2.0])
    assert slipstick.compile(FUNCTIONS)() == 7
    outer = slipstick.compile(FUNCTIONS, entry="outer")
    torch.testing.assert_close(outer(x), torch.sin(2 * x))
    scheduled = outer.stage("scheduled")
    assert "@main" not in scheduled
    torch.testing.assert_close(slipstick.compile(scheduled, entry="outer")(x), torch.sin(2 * x))
    for text, entry, message in (
        (FUNCTIONS, "outr", "entry: expected inner or outer or main, found 'outr'"),
        (scheduled, "inner", "entry: expected outer, found 'inner'"),
        ("module {}", "main", "entry: expected a module with functions, found 'main'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            slipstick.compile(text, entry=entry)
    with pytest.raises(ArgumentError, match="entry: expected with MLIR alone"):
        slipstick.compile(linear, (torch.ones(1, 3),), entry="main")
    with pytest.raises(IRError, match="entry= says which of inner, outer is meant"):
        slipstick.compile(FUNCTIONS.replace("func.func @main", "func.func private @main_").replace("@main_", "@rest"))
