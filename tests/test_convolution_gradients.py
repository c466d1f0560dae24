"""The gradients of convolutions: made of other convolutions as torch computes them, and compiled."""

from __future__ import annotations

import itertools

import pytest
import slipstick
import torch
from slipstick.compiler.convolution_gradients import convolution_backward

BACKWARD = torch.ops.aten.convolution_backward

FILTERS = 20
"""More than the gradient of `sound` has elements, so that a row of its product is a filter; elsewhere, a window."""

# Strides, paddings, dilations, kernel and image in each dimension of space, by name.
QUICK = {
    "sound": ([2], [1], [1], [3], [16]),
    "strides, a rest unread": ([2, 3], [1, 0], [1, 1], [3, 2], [8, 9]),
}
OTHERS = {
    "sound, wide": ([1], [0], [2], [4], [11]),
    "image": ([1, 1], [1, 1], [1, 1], [3, 3], [9, 6]),
    "strides beyond the kernel": ([2, 2], [0, 0], [1, 1], [1, 1], [5, 6]),
    "strides and dilations": ([2, 1], [1, 2], [2, 3], [3, 2], [9, 10]),
    "padding beyond the kernel": ([1, 2], [3, 2], [1, 1], [2, 1], [5, 4]),
    "space": ([2, 1, 1], [1, 0, 1], [1, 1, 1], [3, 2, 1], [5, 4, 3]),
}


def operands(strides, paddings, dilations, kernel, image, *, images=2, dtype=torch.float32):
    """Return a gradient, an input of 4 channels, a kernel, and the arguments of their operation after."""
    generator = torch.Generator().manual_seed(1)
    none = [0] * len(kernel)
    x = torch.randn([images, 4, *image], generator=generator, dtype=dtype)
    weight = torch.randn([FILTERS, 4, *kernel], generator=generator, dtype=dtype)
    result = torch.convolution(x, weight, None, strides, paddings, dilations, False, none, 1)
    gradient = torch.randn(result.shape, generator=generator, dtype=dtype)
    return (gradient, x, weight), ([FILTERS], strides, paddings, dilations, False, none, 1)


@pytest.mark.parametrize("rank", [1, 2])
def test_is_what_torch_computes(rank):
    for stride, padding, dilation, width, size in itertools.product((1, 2, 3), (0, 1, 3), (1, 2), (1, 2, 3), (7, 10)):
        first = ([stride], [padding], [dilation], [width], [size])
        others = ([2], [1], [1], [3], [9])
        tensors, rest = operands(
            *(one + other * (rank - 1) for one, other in zip(first, others, strict=True)), dtype=torch.float64
        )
        found = convolution_backward(*tensors, *rest, [True] * 3)
        for mine, expected in zip(found, BACKWARD(*tensors, *rest, [True] * 3), strict=True):
            torch.testing.assert_close(mine, expected, rtol=1e-12, atol=1e-12)


def test_returns_what_is_wanted_and_leaves_the_rest():
    tensors, rest = operands(*QUICK["sound"])
    for wanted in itertools.product((False, True), repeat=3):
        found = convolution_backward(*tensors, *rest, wanted)
        assert tuple(gradient is not None for gradient in found) == wanted
    grouped = (*rest[:-1], 2)
    assert convolution_backward(*tensors, *grouped, [True] * 3) is NotImplemented


class Gradients(torch.nn.Module):
    """The gradients of all cases, by input, kernel and bias."""

    def __init__(self, rests):
        super().__init__()
        self.rests = rests

    def forward(self, cases):
        return [BACKWARD(*tensors, *rest, [True] * 3) for tensors, rest in zip(cases, self.rests, strict=True)]


def check_compiled(named, images, cache):
    """Compile the gradients of all cases in one graph; compare with torch and return the compiled module."""
    made = [operands(*case, images=images) for case in named.values()]
    module, cases = Gradients([rest for _, rest in made]), [tensors for tensors, _ in made]
    compiled = slipstick.compile(module, (cases,), cache_dir=cache)
    for name, found, expected in zip(named, compiled(cases), module(cases), strict=True):
        for mine, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(
                mine, theirs, rtol=1e-5, atol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
            )
    return compiled


def test_compiled(tmp_path):
    compiled = check_compiled(QUICK, 2, tmp_path)
    # Each gradient by a kernel is one product; those by an input, one for each remainder of the strides.
    assert compiled.stage("rewritten").count("linalg.matmul") == (1 + 2) + (1 + 2 * 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize("images", [1, 3])
def test_all_compiled(images, tmp_path):
    check_compiled(OTHERS, images, tmp_path)
