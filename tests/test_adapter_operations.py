"""Operations that adapters need and torch-mlir lacks: Fourier transforms, small solves, scatters, reads of `.data`."""

from __future__ import annotations

import pytest
import slipstick
import torch
from slipstick import GraphError
from slipstick.compiler.linear_solve import solve
from torch import nn


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def agree(function, *args, tolerance=1e-5):
    found = slipstick.compile(Function(function), args)(*args)
    torch.testing.assert_close(found, function(*args), rtol=tolerance, atol=tolerance)


def random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_an_inverse_transform_over_two_dimensions(norm):
    agree(lambda x: torch.fft.ifft2(x, norm=norm).real, random(12, 7))


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_a_transform_over_two_dimensions(norm):
    agree(lambda x: torch.fft.fft2(x, norm=norm).imag, random(3, 5, 8), tolerance=1e-4)


def test_a_circular_convolution_by_transforms():
    def convolve(x, kernel):
        product = torch.einsum("bn,mn->bmn", torch.fft.fft(x), torch.fft.fft(kernel))
        return torch.fft.ifft(product).real.sum(-2)

    agree(convolve, random(4, 16), random(3, 16), tolerance=1e-4)


def test_a_long_transform_keeps_its_accuracy():
    x = random(1, 768)
    compiled = slipstick.compile(Function(lambda x: torch.fft.fft(x).real), (x,))
    exact = torch.fft.fft(x.double()).real
    assert ((compiled(x) - exact).abs().max() / exact.abs().max()).item() < 2e-6


@pytest.mark.parametrize("left", [True, False])
def test_a_system_of_equations(left):
    matrices, right = random(5, 6, 6), random(5, 6, 6).flip(0)
    agree(lambda a, b: torch.linalg.solve(a, b, left=left), matrices, right, tolerance=1e-3)


def test_a_system_that_needs_its_rows_exchanged():
    matrix = torch.tensor([[0.0, 2.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1e-7, 3.0]])
    right = random(3, 2)
    torch.testing.assert_close(solve(matrix, right), torch.linalg.solve(matrix, right))
    agree(torch.linalg.solve, matrix, right)


def test_a_scatter_by_an_expanded_index():
    index = torch.tensor([4, 0, 2])
    agree(lambda x, i, s: x.scatter(1, i.expand(2, 3), s), random(2, 6), index, random(2, 5))
    agree(lambda x, i, s: x.scatter(0, i.unsqueeze(-1).expand(3, 4), s), random(6, 4), index, random(3, 4))


def test_a_scatter_that_adds_where_an_index_repeats():
    index = torch.tensor([[4, 0, 4], [1, 1, 1]])
    agree(lambda x, i, s: x.scatter_add(1, i, s), random(2, 6), index, random(2, 3))


def test_data_of_a_parameter_is_the_parameter():
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(random(3, 4))

        def forward(self, x):
            return x @ self.weight.data.T

    module, x = Reads(), random(2, 4)
    compiled = slipstick.compile(module, (x,))
    torch.testing.assert_close(compiled(x), module(x).detach())
    with torch.no_grad():
        module.weight.mul_(2.0)
    torch.testing.assert_close(compiled(x), module(x).detach())


def test_a_mask_as_an_index_is_refused():
    with pytest.raises(GraphError, match="an index that is a mask cannot be compiled"):
        slipstick.compile(Function(lambda x, mask: x[mask]), (random(4), random(4) > 0))
